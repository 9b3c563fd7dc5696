import { z } from 'zod';
import { type LogCutRecord, oldestOf } from '@coordination/log';

const time = (description: string) => z.string().describe(description).meta({ format: 'date-time' });

const ANCHOR_FIELDS = {
  revision: z.int().min(0).describe('The last removed revision.'),
  hash: z.string().describe('The hash of its event, from which the chain continues.'),
  epoch: z.string().describe('The epoch that it belongs to.').meta({ format: 'uuid' }),
  at: time('The time of its event.'),
};

const logCutView = z
  .looseObject({
    ...ANCHOR_FIELDS,
    firstRevision: z.int().min(0).describe('The first revision that this cut removed.'),
    events: z.int().min(0).describe('How many events this cut removed.'),
    eventRevision: z.int().min(1).describe('Revision of the event `audit.compacted` that records the cut.'),
    exportFile: z.string().describe('Name of the file that the events were exported to.'),
    exportSha256: z.string().describe('SHA-256 (hex) of that file.'),
    madeAt: time('When the cut was recorded, by the clock of the database.'),
    finishedAt: time('When the last of the events were removed; null: not yet.').nullable(),
  })
  .describe('A part of the log that was removed.')
  .meta({ id: 'LogCut' });

export const retentionView = z
  .looseObject({
    oldestRevision: z.int().min(0).describe('The oldest revision that can be used; 0: the log is complete.'),
    anchor: z
      .looseObject(ANCHOR_FIELDS)
      .meta({ id: 'LogAnchor' })
      .nullable()
      .describe('Where the retained part begins; null: the log is complete.'),
    cuts: z.array(logCutView).describe('The latest 100 cuts, latest first.'),
  })
  .describe('The retained part of the log.')
  .meta({ id: 'LogRetention' });
export type RetentionView = z.output<typeof retentionView>;

export function toRetentionView(cuts: readonly LogCutRecord[]): RetentionView {
  const [latest] = cuts;
  const anchor = latest ? { revision: latest.revision, hash: latest.hash, epoch: latest.epoch, at: latest.at } : null;
  return { oldestRevision: oldestOf(latest), anchor, cuts: cuts.map(cut => ({ ...cut })) };
}

export const RETENTION_EXAMPLE: RetentionView = { oldestRevision: 0, anchor: null, cuts: [] };
