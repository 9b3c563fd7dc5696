import { defineEntity, p } from '@mikro-orm/core';
import { type EpochGap } from '../epochs/epoch-log.repository.js';

/**
 * A cut: up to it, the beginning of the log was removed. The latest cut is in force; earlier ones are kept for operators.
 * Responses contain the properties of cuts in this order.
 */
export const LogCutSchema = defineEntity({
  name: 'LogCut',
  tableName: 'log_cut',
  properties: {
    /** The last removed revision. The baseline has the state of the catalog at it. */
    revision: p.bigint('number').primary().autoincrement(false),
    /** Its hash: the anchor of the chain. */
    hash: p.text(),
    epoch: p.uuid(),
    at: p.datetime(3),
    /** Revision of the event `audit.compacted` that records the cut. */
    eventRevision: p.bigint('number'),
    firstRevision: p.bigint('number'),
    /** How many events were removed. */
    events: p.bigint('number'),
    exportFile: p.text(),
    exportSha256: p.text(),
    madeAt: p.datetime(3),
    /** When the last table was removed; null: not yet. */
    finishedAt: p.datetime(3).nullable(),
    /** The gaps between epochs up to this revision. */
    gaps: p.json<readonly EpochGap[]>(),
    /** Names of the tables to remove. */
    partitions: p.json<readonly string[]>(),
  },
  checks: [
    { name: 'log_cut_hash_form', expression: "hash ~ '^[0-9a-f]{64}$'" },
    {
      name: 'log_cut_revisions_ordered',
      expression: 'first_revision > 0 and first_revision <= revision and revision < event_revision',
    },
    { name: 'log_cut_gaps_are_list', expression: "jsonb_typeof(gaps) = 'array'" },
    { name: 'log_cut_partitions_are_list', expression: "jsonb_typeof(partitions) = 'array'" },
  ],
});

export class LogCutRow extends LogCutSchema.class {}
LogCutSchema.setClass(LogCutRow);
