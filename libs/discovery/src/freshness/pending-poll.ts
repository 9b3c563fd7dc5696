import { type CatalogChange, type FeedFollower } from '@coordination/catalog';
import { type Concerns, type PollQuery } from './poll-query.js';

/** How many changes may wait to be judged; with more, those who wait are answered rather than kept. */
const MAX_PENDING = 1_000;

/** Why a request is held no longer. */
export const WAKE_REASONS = ['known', 'change', 'timeout', 'restarted', 'shutdown', 'gone'] as const;
export type WakeReason = (typeof WAKE_REASONS)[number];

/** A request that is held. */
export interface Waiter {
  readonly since: number;
  wake(reason: WakeReason): void;
}

/** Those who wait for the answer to one question to change: each change is judged once for all of them. */
export class PendingPoll implements FeedFollower {
  readonly key: string;
  /** Says of changes whether they alter the answer. */
  readonly concerns: Concerns;
  private readonly waiters = new Set<Waiter>();
  private pending: CatalogChange[] = [];
  /** The newest revision that is known to have altered the answer. */
  private newest = 0;

  /** @param stirred called when there is something to judge, or somebody to wake */
  constructor(
    { key, judge }: PollQuery,
    private readonly stirred: (question: PendingPoll) => void,
  ) {
    this.key = key;
    this.concerns = judge();
  }

  get isEmpty(): boolean {
    return this.waiters.size === 0;
  }

  add(waiter: Waiter): void {
    this.waiters.add(waiter);
  }

  remove(waiter: Waiter): void {
    this.waiters.delete(waiter);
  }

  changed(change: CatalogChange): void {
    if (this.pending.length < MAX_PENDING) this.pending.push(change);
    else this.newest = change.revision;
    this.stirred(this);
  }

  restarted(): void {
    this.wakeAll('restarted');
  }

  /** Notes that a revision has altered the answer. */
  alteredAt(revision: number): void {
    this.newest = Math.max(this.newest, revision);
    this.stirred(this);
  }

  /**
   * Judges what has changed, and wakes those who have not seen the newest change that alters the answer.
   * @param look awaited before each change is judged
   * @returns whether anybody was woken
   */
  async settle(look: () => Promise<void>): Promise<boolean> {
    const { pending } = this;
    this.pending = [];
    for (const change of pending.reverse()) {
      if (change.revision <= this.newest) break;
      await look();
      if (this.concerns(change)) this.newest = Math.max(this.newest, change.revision);
    }
    const behind = [...this.waiters].filter(({ since }) => since < this.newest);
    for (const waiter of behind) waiter.wake('change');
    return behind.length > 0;
  }

  wakeAll(reason: WakeReason): void {
    for (const waiter of this.waiters) waiter.wake(reason);
  }
}
