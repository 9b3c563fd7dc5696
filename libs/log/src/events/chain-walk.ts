import { type LogEvent } from './log-event.js';
import { FIRST_PREVIOUS_HASH, hashEvent } from './hash-chain.js';

/** How far a new epoch jumps: the numbers between belong to nobody, for the lost tail may have had them. */
export const EPOCH_JUMP = 2 ** 32;

/** What can be wrong at a revision. */
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

/** The first revision at which the log is not what was written. */
export interface ChainBreak {
  readonly revision: number;
  readonly reason: BreakReason;
}

/** A place in the chain: an anchor, the head, or the event before a range. */
export interface ChainLink {
  readonly revision: number;
  readonly hash: string;
}

/** What the first event follows. */
export const GENESIS: ChainLink = { revision: 0, hash: FIRST_PREVIOUS_HASH };

/**
 * Whether an event may come directly after a revision: the next one, or the jump that starts an epoch. It is a longer
 * one where the same backup was restored before, and revisions must rise above those of that time too.
 */
export function mayFollow(revision: number, event: Pick<LogEvent, 'revision' | 'action'>): boolean {
  const step = event.revision - revision;
  return event.action === 'catalog.epoch_started' ? step > 0 && step % EPOCH_JUMP === 0 : step === 1;
}

/** Walks along the chain and stops at the first event that does not belong to it. */
export class ChainWalk {
  /** How many events were found whole. */
  checked = 0;

  /**
   * @param at what the next event must follow
   * @param linked whether its hash is known too; else the first event's word is taken for the one before
   */
  constructor(
    private at: ChainLink,
    private linked = true,
  ) {}

  /** The revision that was reached. */
  get revision(): number {
    return this.at.revision;
  }

  /** Takes the next event of the log; tells what is wrong with it. */
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

  /** Whether something is missing between what was reached and an event that comes later. */
  gapBefore(event: Pick<LogEvent, 'revision' | 'action'>): ChainBreak | undefined {
    return mayFollow(this.at.revision, event) ? undefined : { revision: this.at.revision + 1, reason: 'EVENT_MISSING' };
  }
}
