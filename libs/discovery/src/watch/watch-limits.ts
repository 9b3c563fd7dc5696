import { type Settings } from '@coordination/config';

const SECOND_MS = 1_000;

/** Bounds of each watch, and of all of them together. */
export interface WatchLimits {
  /** Watches at once on this node. */
  readonly watches: number;
  /** How many of them may read the log at once. */
  readonly catchUps: number;
  /** Bytes that may wait for a client to read. */
  readonly backlogBytes: number;
  /** How long (ms) a client may read nothing of its backlog. */
  readonly stallMs: number;
  /** The longest time (ms) between two bookmarks. */
  readonly bookmarkMs: number;
}

export const watchLimits = (settings: Settings): WatchLimits => ({
  watches: settings.PCS_WATCH_MAX,
  catchUps: settings.PCS_WATCH_CATCH_UPS,
  backlogBytes: settings.PCS_WATCH_BACKLOG_BYTES,
  stallMs: settings.PCS_WATCH_STALL_SECONDS * SECOND_MS,
  bookmarkMs: settings.PCS_WATCH_BOOKMARK_SECONDS * SECOND_MS,
});
