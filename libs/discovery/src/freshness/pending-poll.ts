import { type CatalogChange, type FeedFollower } from '@coordination/catalog';
import { type Turn } from '@coordination/scheduling';
import { type ChangeTest, type PollQuery } from './poll-query.js';

/** How many changes may be untested; with more, the waiting requests are answered. */
const MAX_PENDING = 1_000;

/** Why a request is no longer held; labels of a metric. */
export const WAKE_REASONS = ['known', 'change', 'timeout', 'restarted', 'shutdown', 'gone'] as const;
export type WakeReason = (typeof WAKE_REASONS)[number];

/** A request that is held. */
export interface Waiter {
  readonly since: number;
  wake(reason: WakeReason): void;
}

/** The requests that wait for a change of the same query: each change is tested once for all of them. */
export class PendingPoll implements FeedFollower {
  readonly key: string;
  /** Whether a change affects the response. */
  readonly affects: ChangeTest;
  private readonly waiters = new Set<Waiter>();
  private pending: CatalogChange[] = [];
  /** The newest revision that is known to affect the response. */
  private newest = 0;

  /**
   * @param onWork called when there are changes to test, or requests to answer
   * @param onRestarted called when the catalog was loaded again: all requests that wait must be answered, and revisions that
   * were noted before mean nothing for later ones
   */
  constructor(
    { key, newTest }: PollQuery,
    private readonly onWork: (poll: PendingPoll) => void,
    private readonly onRestarted: (poll: PendingPoll) => void,
  ) {
    this.key = key;
    this.affects = newTest();
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
    this.onWork(this);
  }

  restarted(): void {
    this.onRestarted(this);
  }

  /** Records that a revision affects the response. */
  noteChange(revision: number): void {
    this.newest = Math.max(this.newest, revision);
    this.onWork(this);
  }

  /**
   * Tests the pending changes, and answers the requests that have not seen the newest change that affects the response.
   * An answer takes longer than a test.
   * @param turn runs the tests and the answers
   * @returns whether a request was answered
   */
  async process(turn: Turn): Promise<boolean> {
    const { pending } = this;
    this.pending = [];
    for (const change of pending.reverse()) {
      if (change.revision <= this.newest) break;
      if (turn.isOver) await turn.next();
      if (this.affects(change)) this.newest = Math.max(this.newest, change.revision);
    }
    const behind = [...this.waiters].filter(({ since }) => since < this.newest);
    await this.wake(behind, 'change', turn);
    return behind.length > 0;
  }

  /** Answers all requests that wait, in slices. */
  async wakeAllInTurn(reason: WakeReason, turn: Turn): Promise<void> {
    await this.wake([...this.waiters], reason, turn);
  }

  /** Answers all requests at once. */
  wakeAll(reason: WakeReason): void {
    for (const waiter of this.waiters) waiter.wake(reason);
  }

  private async wake(waiters: readonly Waiter[], reason: WakeReason, turn: Turn): Promise<void> {
    for (const waiter of waiters) {
      await turn.step();
      // Its time may be up meanwhile, or its client gone.
      if (this.waiters.has(waiter)) waiter.wake(reason);
    }
  }
}
