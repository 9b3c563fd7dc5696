import { defineEntity, p } from '@mikro-orm/core';

/**
 * The instances as they were at a cut of the log, as copies of the last event of each. The state of an identity at a retained
 * revision is the newest of what the log and the baseline have of it.
 */
export const CatalogBaselineSchema = defineEntity({
  name: 'CatalogBaseline',
  tableName: 'catalog_baseline',
  properties: {
    revision: p.bigint('number').primary().autoincrement(false),
    namespace: p.text(),
    service: p.text(),
    instanceId: p.text(),
    instanceUuid: p.uuid(),
    /** null: the instance had been removed. Such a row is kept if it is the last event of its service. */
    after: p.json<unknown>().nullable(),
  },
  indexes: [
    { name: 'catalog_baseline_identity_idx', properties: ['namespace', 'service', 'instanceId', 'revision'] },
    { name: 'catalog_baseline_service_idx', properties: ['namespace', 'service', 'revision'] },
    { name: 'catalog_baseline_instance_idx', properties: ['instanceUuid'] },
  ],
});

export class CatalogBaseline extends CatalogBaselineSchema.class {}
CatalogBaselineSchema.setClass(CatalogBaseline);
