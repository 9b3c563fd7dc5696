import { defineEntity, p } from '@mikro-orm/core';

/** The single row that orders all events: only the transaction that has locked it can append to the log. */
export const CatalogHeadSchema = defineEntity({
  name: 'CatalogHead',
  tableName: 'catalog_head',
  properties: {
    id: p.smallint().primary().autoincrement(false),
    /** Revision of the newest event; 0 while the log is empty. */
    revision: p.bigint('number'),
    /** Hash of the newest event; 64 zeros while the log is empty. */
    hash: p.text(),
    /** UUID of the epoch: a history from which no commit was lost. */
    epoch: p.uuid(),
    at: p.datetime(3),
    /** Raised after a commit with an unknown outcome, so that it cannot still succeed later. */
    fence: p.bigint('number').defaultRaw('0'),
    systemIdentifier: p.text(),
    timeline: p.integer(),
    /** Future events have this time or a later one; null: no read has required such a guarantee yet. */
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
