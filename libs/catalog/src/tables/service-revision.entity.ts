import { defineEntity, p } from '@mikro-orm/core';

/**
 * The last revision that touched a service. Rows remain when the last instance is removed, so that the revision of a service
 * never decreases and ETags agree on all nodes. The number of rows of services without instances is bounded; a
 * {@link NamespaceFloor} replaces the others.
 */
export const ServiceRevisionSchema = defineEntity({
  name: 'ServiceRevision',
  tableName: 'service_revision',
  properties: {
    namespace: p.text().primary(),
    service: p.text().primary(),
    revision: p.bigint('number'),
  },
  checks: [{ name: 'service_revision_positive', expression: 'revision > 0' }],
});

export class ServiceRevision extends ServiceRevisionSchema.class {}
ServiceRevisionSchema.setClass(ServiceRevision);
