import { defineEntity, p } from '@mikro-orm/core';

/**
 * The last revision that touched a service. Rows outlive the instances, so that a service that vanishes and comes back
 * keeps a rising revision, and ETags agree on all nodes. Of those without instances only so many are kept; a
 * {@link NamespaceFloor} stands for the others.
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
