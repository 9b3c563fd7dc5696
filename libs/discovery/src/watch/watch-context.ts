import { type Clock } from '@coordination/kernel';
import { type CatalogView, type ChangeFeed } from '@coordination/catalog';
import { type ChangeFrames } from './change-sse.js';
import { type LogSegment } from './log-segment.js';
import { type FairScheduler } from './fair-scheduler.js';
import { type WatchMetrics } from './watch-metrics.js';

/** What bounds each watch, and all of them together. */
export interface WatchLimits {
  /** Watches at once on this node. */
  readonly watches: number;
  /** How many of them may read the log at once. */
  readonly catchUps: number;
  /** Bytes that may wait for a reader. */
  readonly backlogBytes: number;
  /** How long (ms) a reader may take nothing of what waits for it. */
  readonly stallMs: number;
  /** The longest time (ms) between two bookmarks. */
  readonly bookmarkMs: number;
}

/** What all watches of a node share. */
export interface WatchContext {
  readonly view: CatalogView;
  readonly feed: ChangeFeed;
  readonly frames: ChangeFrames;
  readonly turns: FairScheduler;
  readonly limits: WatchLimits;
  readonly metrics: WatchMetrics;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** Up to where followers of the feed have been told everything. */
  toldUpTo(): number;
  /** Whether the view was last known to be current too long ago. */
  isStale(): boolean;
  /** Does some reading of the log when there is a place for it. */
  catchUps(work: () => Promise<void>): Promise<void>;
  /** The log around a revision, as soon as the database gives it; rejects when aborted. */
  pages(revision: number, epoch: string, signal: AbortSignal): Promise<LogSegment>;
  /** Does something some time later; without a time (ms), about when it makes sense to look again. */
  later(work: () => void, ms?: number): void;
  /** A bug ended a watch. */
  onFailure(error: unknown): void;
}
