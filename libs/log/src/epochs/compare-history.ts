import { type ChainLink } from '../events/chain-walk.js';

/** A position of the log that a node has read or written itself; a log without it has another history. */
export interface LogPosition extends ChainLink {
  readonly epoch: string;
}

/** Why the history of a log is not the one that a node knows. */
export const EPOCH_REASONS = ['log-shorter', 'event-missing', 'event-differs', 'server-unconfirmed'] as const;
export type EpochReason = (typeof EPOCH_REASONS)[number];

/**
 * How the history of a log relates to what a node knows of it:
 * `continued`: the log has what the node knows;
 * `moved`: the log has what the node knows, and is on another server than the one on which the head was last written;
 * `superseded`: what the node knows was lost, and a later epoch has already begun because of that;
 * `unconfirmed`: the log is on another server, and this node does not know enough to confirm that it is complete;
 * `broken`: what the node knows was lost, and a new epoch must begin.
 */
export type HistoryStatus =
  | { readonly kind: 'continued' | 'moved' | 'superseded' | 'unconfirmed' }
  | { readonly kind: 'broken'; readonly reason: EpochReason };

/** What a node has read to compare histories. */
export interface Evidence {
  readonly head: { readonly revision: number; readonly epoch: string };
  /** Whether the head was last written on another server than the one that has it now. */
  readonly hasMoved: boolean;
  /** The latest position that the node knows; undefined: none. */
  readonly known: LogPosition | undefined;
  /** Hash of the event that the log has at the known revision; null: it has no such event. */
  readonly hashInLog: string | null;
  /** Revision at which the newest epoch of the log began; 0: the first epoch. */
  readonly epochStart: number;
}

/** Compares the history of a log with what a node knows of it. */
export function compareHistory({ head, hasMoved, known, hashInLog, epochStart }: Evidence): HistoryStatus {
  // Every history begins with an empty log, so a known empty log identifies a history only by its epoch.
  const knowsNothing = !known || (known.revision === 0 && known.epoch !== head.epoch);
  if (knowsNothing) return { kind: hasMoved ? 'unconfirmed' : 'continued' };
  // Events are chained, so a log that has the latest known event has all earlier ones.
  if (hashInLog === known.hash) return { kind: hasMoved ? 'moved' : 'continued' };
  if (epochStart > known.revision) return { kind: hasMoved ? 'unconfirmed' : 'superseded' };
  return { kind: 'broken', reason: breakReason(head.revision, known.revision, hashInLog) };
}

function breakReason(head: number, known: number, hashInLog: string | null): EpochReason {
  if (known > head) return 'log-shorter';
  return hashInLog === null ? 'event-missing' : 'event-differs';
}

/** The later of two positions. */
export const laterOf = (a: LogPosition | undefined, b: LogPosition | undefined): LogPosition | undefined =>
  a && b ? (a.revision >= b.revision ? a : b) : (a ?? b);

/**
 * Whether a head that was read after a position became known cannot belong to the history of that position. Positions of
 * different epochs cannot be compared, and never contradict each other.
 */
export const contradicts = (head: LogPosition, known: LogPosition | undefined): boolean =>
  head.epoch === known?.epoch &&
  (head.revision < known.revision || (head.revision === known.revision && head.hash !== known.hash));
