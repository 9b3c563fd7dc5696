import { defineEntity, p } from '@mikro-orm/core';

/** The key of the floor of all namespaces without known services; not a valid name of a namespace. */
export const EVERY_OTHER_NAMESPACE = '*';

/**
 * The revision of all unknown services of a namespace, from which some were dropped: each of them was last touched before it,
 * or never existed. A namespace without dropped services has no floor.
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
