import { defineEntity, p } from '@mikro-orm/core';

/**
 * What instances were where the log was cut, as copies of the events that made them so. At a revision that is retained, the
 * newest of what the log and the baseline have of an identity is what it was.
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
    /** null: it was gone. Kept where it was the last that happened to its service. */
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
