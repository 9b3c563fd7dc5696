import { defineEntity, p } from '@mikro-orm/core';
import { type EpochGap } from '../epochs/epoch-log.repository.js';

/** Where the beginning of the log was removed. Of several cuts the latest counts; the others stay for people. Cuts are answered with their properties in this order. */
export const LogCutSchema = defineEntity({
  name: 'LogCut',
  tableName: 'log_cut',
  properties: {
    /** The last revision that was removed. The state of the catalog at it is in the baseline. */
    revision: p.bigint('number').primary().autoincrement(false),
    /** Its hash: the anchor of the chain. */
    hash: p.text(),
    epoch: p.uuid(),
    at: p.datetime(3),
    /** Of the event that tells of the cut. */
    eventRevision: p.bigint('number'),
    firstRevision: p.bigint('number'),
    /** How many were removed. */
    events: p.bigint('number'),
    exportFile: p.text(),
    exportSha256: p.text(),
    madeAt: p.datetime(3),
    /** When everything that goes was gone; null: not yet. */
    finishedAt: p.datetime(3).nullable(),
    /** The gaps between epochs up to the cut. */
    gaps: p.json<readonly EpochGap[]>(),
    /** Names of the tables that are removed. */
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
