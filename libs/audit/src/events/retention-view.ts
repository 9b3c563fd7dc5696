import { z } from 'zod';
import { type LogCutRecord, oldestOf } from '@coordination/log';

const time = (about: string) => z.string().meta({ description: about, format: 'date-time' });

const AnchorView = {
  revision: z.int().min(0).meta({ description: 'The last revision that was removed.' }),
  hash: z.string().meta({ description: 'Its hash, from which the chain goes on.' }),
  epoch: z.string().meta({ description: 'The history that it belongs to.', format: 'uuid' }),
  at: time('Its time.'),
};

const LogCutView = z
  .looseObject({
    ...AnchorView,
    firstRevision: z.int().min(0).meta({ description: 'The first revision that this cut removed.' }),
    events: z.int().min(0).meta({ description: 'How many events it removed.' }),
    eventRevision: z.int().min(1).meta({ description: 'Revision of the event `audit.compacted` that tells of it.' }),
    exportFile: z.string().meta({ description: 'Name of the file that they were exported to before.' }),
    exportSha256: z.string().meta({ description: 'SHA-256 (hex) of that file.' }),
    madeAt: time('When the cut was made, by the clock of the database.'),
    finishedAt: time('When the last of it was gone; null: not yet.').nullable(),
  })
  .meta({ id: 'LogCut', description: 'A part of the log that was removed.' });

export const RetentionView = z
  .looseObject({
    oldestRevision: z
      .int()
      .min(0)
      .meta({ description: 'The oldest revision that can be used; 0: the whole log is there.' }),
    anchor: z
      .looseObject(AnchorView)
      .meta({ id: 'LogAnchor' })
      .nullable()
      .meta({ description: 'null: the whole log is there.' }),
    cuts: z.array(LogCutView).meta({ description: 'The latest first, 100 at most.' }),
  })
  .meta({ id: 'LogRetention', description: 'What is retained of the log.' });
export type RetentionView = z.infer<typeof RetentionView>;

export function toRetentionView(cuts: readonly LogCutRecord[]): RetentionView {
  const [latest] = cuts;
  const anchor = latest ? { revision: latest.revision, hash: latest.hash, epoch: latest.epoch, at: latest.at } : null;
  return { oldestRevision: oldestOf(latest), anchor, cuts: cuts.map(cut => ({ ...cut })) };
}

export const RETENTION_EXAMPLE: RetentionView = { oldestRevision: 0, anchor: null, cuts: [] };
