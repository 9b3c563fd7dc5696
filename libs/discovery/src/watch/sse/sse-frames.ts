import { type CatalogChange, toInstanceView } from '@coordination/catalog';

/** Why a watcher must start again without a revision. */
export const RESET_REASONS = ['unknown_revision', 'new_epoch', 'compacted', 'too_slow'] as const;
export type ResetReason = (typeof RESET_REASONS)[number];

/** The name of the event of an instance that left the selection but still exists, in place of the action. */
export const REMOVED = 'removed';

/** JSON contains no line breaks, so an event has one line of data. */
const frame = (id: number | '', event: string, json: string): Buffer =>
  unpooled(`id: ${id}\nevent: ${event}\ndata: ${json}\n\n`);

/**
 * Encodes a text into memory of its own. Small buffers are otherwise slices of 8 KiB that Node.js shares among them, so that a
 * frame that is cached for minutes would keep all 8 KiB.
 */
function unpooled(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** Asks clients to wait this long (ms) before they reconnect. It is not an event. */
export const retryFrame = (ms: number): Buffer => Buffer.from(`retry: ${ms}\n\n`);

/** A line that clients ignore. */
export const commentFrame = (text: string): Buffer => Buffer.from(`: ${text}\n\n`);

/** Reports that every selected change up to this revision has been sent. */
export const bookmarkFrame = (revision: number): Buffer => frame(revision, 'bookmark', JSON.stringify({ revision }));

/** The empty id makes clients forget their last one, so that they start again when they reconnect by themselves. */
export const resetFrame = (revision: number, reason: ResetReason): Buffer =>
  frame('', 'reset', JSON.stringify({ revision, reason }));

/** The beginning and the end of a snapshot; the instances are in between, separated by commas. */
export const snapshotFrame = (revision: number) =>
  ({
    begin: `id: ${revision}\nevent: snapshot\ndata: {"revision":${revision},"instances":[`,
    end: ']}\n\n',
  }) as const;

/** A change for watchers whose selection contains the instance; a removed instance has its last state. */
export const changeFrame = (change: CatalogChange): Buffer => frameOf(change, change.action);

/** A change for watchers whose selection the instance left, although it still exists. */
export const removedFrame = (change: CatalogChange): Buffer => frameOf(change, REMOVED);

function frameOf({ revision, action, before, after }: CatalogChange, event: string): Buffer {
  const record = after ?? before;
  return frame(revision, event, JSON.stringify({ revision, action, instance: record && toInstanceView(record) }));
}
