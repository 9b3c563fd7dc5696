import { type CatalogChange, toInstanceView } from '@coordination/catalog';

/** Why a watcher has to begin anew. */
export const RESET_REASONS = ['unknown_revision', 'new_epoch', 'compacted', 'too_slow'] as const;
export type ResetReason = (typeof RESET_REASONS)[number];

/** What left the selection of a watcher but lives on comes under this name instead of what happened. */
export const REMOVED = 'removed';

/** JSON has no line break, so an event has one line of data. */
const frame = (id: number | '', event: string, json: string): Buffer =>
  toKeep(`id: ${id}\nevent: ${event}\ndata: ${json}\n\n`);

/**
 * Bytes with memory of their own. Small ones would else be part of 8 KiB that Node.js hands out piece by piece, and a frame
 * that is kept for minutes would keep all of it, though the other pieces be long gone.
 */
function toKeep(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** Asks clients to wait this long (ms) before they connect again. It is no event. */
export const retryFrame = (ms: number): Buffer => Buffer.from(`retry: ${ms}\n\n`);

/** A line that clients pass over. */
export const commentFrame = (text: string): Buffer => Buffer.from(`: ${text}\n\n`);

/** All that is selected up to this revision has been sent. */
export const bookmarkFrame = (revision: number): Buffer => frame(revision, 'bookmark', JSON.stringify({ revision }));

/** Its empty id makes clients forget the last one, so that they begin anew when they connect again by themselves. */
export const resetFrame = (revision: number, reason: ResetReason): Buffer =>
  frame('', 'reset', JSON.stringify({ revision, reason }));

/** What a snapshot begins and ends with; between them the instances, separated by commas. */
export const snapshotFrame = (revision: number) =>
  ({
    begin: `id: ${revision}\nevent: snapshot\ndata: {"revision":${revision},"instances":[`,
    end: ']}\n\n',
  }) as const;

/** A change as it is told to those who select the instance, with its last state when it is gone. */
export const changeFrame = (change: CatalogChange): Buffer => frameOf(change, change.action);

/** A change as it is told to those who no longer select the instance, which lives on. */
export const removedFrame = (change: CatalogChange): Buffer => frameOf(change, REMOVED);

function frameOf({ revision, action, before, after }: CatalogChange, event: string): Buffer {
  const record = after ?? before;
  return frame(revision, event, JSON.stringify({ revision, action, instance: record && toInstanceView(record) }));
}
