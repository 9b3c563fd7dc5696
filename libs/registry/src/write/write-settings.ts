import { type Settings } from '@coordination/config';

/** The most bytes, including the instances before their changes, that a batch carries. Its first request may have more. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** A batch that takes this many times the limit of holding the head has lost its server. */
const BATCH_TIME_FACTOR = 5;

/** The limits of the catalog writer. */
export const writeSettings = (settings: Settings) => ({
  /** The most changes that a batch commits, unless one request alone has more. */
  maxBatchChanges: settings.PCS_WRITE_BATCH_MAX,
  /** The most commands that wait. */
  maxQueuedCommands: settings.PCS_WRITE_QUEUE_MAX,
  /** How long (ms) a node that hangs may hold the head of the log. */
  headHoldLimitMs: settings.PCS_HEAD_HOLD_LIMIT_MS,
});
export type WriteSettings = Readonly<ReturnType<typeof writeSettings>>;

/** How long (ms) a batch may take. */
export const batchLimitMs = ({ headHoldLimitMs }: WriteSettings): number => BATCH_TIME_FACTOR * headHoldLimitMs;

/** What one batch may carry. */
export const batchLimits = ({ maxBatchChanges }: WriteSettings) => ({
  maxChanges: maxBatchChanges,
  maxBytes: MAX_BATCH_BYTES,
});
