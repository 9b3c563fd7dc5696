import { type LogEvent, type EpochGap } from '@coordination/log';
import { type CatalogChange } from './catalog-change.js';
import { type CatalogState } from './catalog-state.js';

/** What the view needs of an event. */
export type CatalogEvent = Pick<
  LogEvent,
  'revision' | 'action' | 'namespace' | 'service' | 'instanceUuid' | 'after' | 'previousHash' | 'hash'
>;

/** Up to where in the log the view is, and in which history. */
export interface ViewHead {
  readonly revision: number;
  readonly hash: string;
  readonly epoch: string;
}

/** The catalog as the loader read it, whole. */
export interface CatalogSnapshot {
  readonly head: ViewHead;
  readonly state: CatalogState;
  /** Monotonic time (ms) before the read began: what was not in it then is not in the snapshot. */
  readonly sentAtMs: number;
  /** Where earlier epochs ended and later ones began, in their order. */
  readonly gaps?: readonly EpochGap[];
  /** Whether the catalog has come to another server than it was last written on, and nobody has vouched for it yet. */
  readonly elsewhere?: boolean;
}

/** How current the view is. */
export interface Freshness {
  readonly loaded: boolean;
  readonly revision: number;
  readonly epoch: string | null;
  /** Seconds since the view was last known to be current; before the first load: since the start. */
  readonly stalenessSeconds: number;
  readonly limitSeconds: number;
}

/**
 * What became of events: `applied` (all that were not known already are in the view now), `gap` (some are missing
 * before them: read again), `broken` (they do not continue the history that the view holds: load again).
 */
export type ApplyOutcome = 'applied' | 'gap' | 'broken';

/** Somebody who is told what the view takes, within the call that makes it do so. It must not throw. */
export interface ViewObserver {
  /** These changes are in the view now; in the order of the log. */
  applied(changes: readonly CatalogChange[]): void;
  /** The view was loaded, or has come to another epoch, and stands here now. */
  replaced(head: ViewHead): void;
}
