import { defineEntity, p } from '@mikro-orm/core';

/** Stands for every namespace that has no known service; no namespace is called so. */
export const EVERY_OTHER_NAMESPACE = '*';

/**
 * The revision that stands for all services of a namespace that are not known, because it has dropped some: each of them
 * was touched before it, or never. There is none where nothing was dropped.
 */
export const NamespaceFloorSchema = defineEntity({
  name: 'NamespaceFloor',
  tableName: 'namespace_floor',
  properties: {
    namespace: p.text().primary(),
    revision: p.bigint('number'),
  },
  checks: [{ name: 'namespace_floor_positive', expression: 'revision > 0' }],
});

export class NamespaceFloor extends NamespaceFloorSchema.class {}
NamespaceFloorSchema.setClass(NamespaceFloor);
