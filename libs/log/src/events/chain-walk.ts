import { type LogEvent } from './log-event.js';
import { FIRST_PREVIOUS_HASH, hashEvent } from './hash-chain.js';

/** How many revisions a new epoch jumps over: the lost events may have had revisions of this range. */
export const EPOCH_JUMP = 2 ** 32;

/** How a log can differ from what was written. */
export const BREAK_REASONS = [
  'HASH_MISMATCH',
  'LINK_MISMATCH',
  'EVENT_MISSING',
  'HEAD_MISSING',
  'HEAD_MISMATCH',
  'BEYOND_HEAD',
  'CUT_MISMATCH',
  'ANCHOR_MISSING',
  'ANCHOR_MISMATCH',
] as const;
export type BreakReason = (typeof BREAK_REASONS)[number];

/** The first revision at which the log differs from what was written. */
export interface ChainBreak {
  readonly revision: number;
  readonly reason: BreakReason;
}

/** A revision and the hash of its event: an anchor, the head, or the event before a range. */
export interface ChainLink {
  readonly revision: number;
  readonly hash: string;
}

/** The link that the first event follows. */
export const GENESIS: ChainLink = { revision: 0, hash: FIRST_PREVIOUS_HASH };

/**
 * Whether an event may come directly after a revision. The event that starts an epoch jumps by {@link EPOCH_JUMP}, or by a
 * multiple of it; all others have the next revision.
 */
export function mayFollow(revision: number, event: Pick<LogEvent, 'revision' | 'action'>): boolean {
  const step = event.revision - revision;
  return event.action === 'catalog.epoch_started' ? step > 0 && step % EPOCH_JUMP === 0 : step === 1;
}

/** Walks along the chain of events and finds the first event that does not continue it. */
export class ChainWalk {
  /** How many events were verified. */
  checked = 0;

  /**
   * @param at the link that the next event must follow
   * @param linked whether the hash of this link is known; otherwise `previousHash` of the first event is not checked
   */
  constructor(
    private at: ChainLink,
    private linked = true,
  ) {}

  /** The revision that was reached. */
  get revision(): number {
    return this.at.revision;
  }

  /** Verifies the next event of the log; returns how it breaks the chain, if it does. */
  next(event: LogEvent): ChainBreak | undefined {
    const gap = this.gapBefore(event);
    if (gap) return gap;
    if (this.linked && event.previousHash !== this.at.hash) {
      return { revision: event.revision, reason: 'LINK_MISMATCH' };
    }
    if (hashEvent(event) !== event.hash) return { revision: event.revision, reason: 'HASH_MISMATCH' };
    this.at = event;
    this.linked = true;
    this.checked += 1;
    return undefined;
  }

  /** The break, if an event is missing between the reached revision and a later event. */
  gapBefore(event: Pick<LogEvent, 'revision' | 'action'>): ChainBreak | undefined {
    return mayFollow(this.at.revision, event) ? undefined : { revision: this.at.revision + 1, reason: 'EVENT_MISSING' };
  }
}
