import { defineEntity, p } from '@mikro-orm/core';

/** The one row that orders all changes: whoever holds its lock may append to the log. */
export const CatalogHeadSchema = defineEntity({
  name: 'CatalogHead',
  tableName: 'catalog_head',
  properties: {
    id: p.smallint().primary().autoincrement(false),
    /** Revision of the newest event; 0 while the log is empty. */
    revision: p.bigint('number'),
    /** Hash of the newest event; 64 zeros while the log is empty. */
    hash: p.text(),
    /** Names one unbroken history. */
    epoch: p.uuid(),
    at: p.datetime(3),
    /** Raised by whoever settles a doubtful commit, so that a late one cannot land. */
    fence: p.bigint('number').defaultRaw('0'),
    systemIdentifier: p.text(),
    timeline: p.integer(),
    /** No event to come has an earlier time; null: nobody asked for that yet. */
    settledAt: p.datetime(3).nullable(),
  },
  checks: [
    { name: 'catalog_head_one_row', expression: 'id = 1' },
    { name: 'catalog_head_revision_range', expression: 'revision >= 0 and revision < 9007199254740992' },
    { name: 'catalog_head_hash_form', expression: "hash ~ '^[0-9a-f]{64}$'" },
    { name: 'catalog_head_fence_range', expression: 'fence >= 0' },
  ],
});

export class CatalogHead extends CatalogHeadSchema.class {}
CatalogHeadSchema.setClass(CatalogHead);
