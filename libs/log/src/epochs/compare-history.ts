import { type ChainLink } from '../events/chain-walk.js';

/** A place of the log that a node has seen or written itself, so that no history without it is its own. */
export interface LogPosition extends ChainLink {
  readonly epoch: string;
}

/** Why a history is not the one that was known. */
export const EPOCH_REASONS = ['log-shorter', 'event-missing', 'event-differs', 'server-unconfirmed'] as const;
export type EpochReason = (typeof EPOCH_REASONS)[number];

/**
 * What a log is to a node: `continued` (it has what the node knows), `moved` (so it has, on another server than the one
 * that the head was written on), `superseded` (what the node knows was lost, and a later epoch has begun for it already),
 * `unconfirmed` (it has come to another server, and this node cannot tell), `broken` (a new epoch must begin).
 */
export type HistoryStatus =
  | { readonly kind: 'continued' | 'moved' | 'superseded' | 'unconfirmed' }
  | { readonly kind: 'broken'; readonly reason: EpochReason };

/** What is judged. */
export interface Evidence {
  readonly head: { readonly revision: number; readonly epoch: string };
  /** Whether the head was last written on another server than the one that has it. */
  readonly elsewhere: boolean;
  /** The latest that the node knows; undefined: nothing. */
  readonly known: LogPosition | undefined;
  /** The hash that the log has at the revision that is known; null: it has no such event. */
  readonly hashThere: string | null;
  /** At which revision the newest epoch of the log began; 0: it is the first. */
  readonly epochStart: number;
}

/** Judges a log by what a node knows. */
export function compareHistory({ head, elsewhere, known, hashThere, epochStart }: Evidence): HistoryStatus {
  // An empty history is the beginning of every other, so it proves nothing but itself.
  const knowsNothing = !known || (known.revision === 0 && known.epoch !== head.epoch);
  if (knowsNothing) return { kind: elsewhere ? 'unconfirmed' : 'continued' };
  // By the chain, whoever has the latest event that is known has all that is known.
  if (hashThere === known.hash) return { kind: elsewhere ? 'moved' : 'continued' };
  if (epochStart > known.revision) return { kind: elsewhere ? 'unconfirmed' : 'superseded' };
  return { kind: 'broken', reason: breakOf(head.revision, known.revision, hashThere) };
}

function breakOf(head: number, known: number, hashThere: string | null): EpochReason {
  if (known > head) return 'log-shorter';
  return hashThere === null ? 'event-missing' : 'event-differs';
}

/** The later of two places. */
export const laterOf = (a: LogPosition | undefined, b: LogPosition | undefined): LogPosition | undefined =>
  a && b ? (a.revision >= b.revision ? a : b) : (a ?? b);

/**
 * Whether a head that was read after a place was known cannot belong to the history of that place. In another epoch,
 * that is not for two places to tell.
 */
export const contradicts = (head: LogPosition, known: LogPosition | undefined): boolean =>
  head.epoch === known?.epoch &&
  (head.revision < known.revision || (head.revision === known.revision && head.hash !== known.hash));
