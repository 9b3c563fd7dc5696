import { type EpochGap, type LogEvent } from '@coordination/log';
import { type CatalogChange } from './catalog-change.js';
import { type CatalogState } from './catalog-state.js';

/** The part of an event that the view needs. */
export type CatalogEvent = Pick<
  LogEvent,
  'revision' | 'action' | 'namespace' | 'service' | 'instanceUuid' | 'after' | 'previousHash' | 'hash'
>;

/** The position of the view in the log, and the epoch that it belongs to. */
export interface ViewHead {
  readonly revision: number;
  readonly hash: string;
  readonly epoch: string;
}

/** The whole catalog as the loader read it. */
export interface CatalogSnapshot {
  readonly head: ViewHead;
  readonly state: CatalogState;
  /** Monotonic time (ms) before the read began: changes that were committed later may be missing. */
  readonly sentAtMs: number;
  /** Where earlier epochs ended and later ones began, in their order. */
  readonly gaps?: readonly EpochGap[];
  /** Whether the catalog has moved to another server than it was last written on, and no node has confirmed it yet. */
  readonly hasMoved?: boolean;
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
 * The result of applying events: `applied` (the view has all of them now), `gap` (earlier events are missing: read again),
 * `broken` (they do not continue the history that the view holds: load again).
 */
export type ApplyOutcome = 'applied' | 'gap' | 'broken';

/** Is called with what the view takes, within the call that makes it do so. It must not throw. */
export interface ViewObserver {
  /** The view has these changes now; they are in the order of the log. */
  applied(changes: readonly CatalogChange[]): void;
  /** The view was loaded, or a new epoch has begun; this is its position now. */
  replaced(head: ViewHead): void;
}
