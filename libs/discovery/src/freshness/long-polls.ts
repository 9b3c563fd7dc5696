import { type Settings } from '@coordination/config';
import { Inject, Injectable, type OnModuleDestroy, Optional } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { RateLimitedError } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { CatalogView, ChangeFeed } from '@coordination/catalog';
import { Fifo, type QueueEntry, Scheduler, type Stepper } from '@coordination/scheduling';
import { type Counter } from 'prom-client';
import { changedSince } from './changed-since.js';
import { PendingPoll, WAKE_REASONS, type Waiter } from './pending-poll.js';
import { type PollQuery } from './poll-query.js';

/** After a change, further changes are collected for so long (ms); also the least time between two wake-ups of a query. */
const BATCH_MS = 25;

/** How many queries are remembered for that time. */
const MAX_RECENT = 10_000;

/** The largest part of its time by which a request is held for less, so that requests that came together end apart. */
const JITTER_SHARE = 1 / 16;

/** Tests of changes are bounded for each query. */
const WORK = { workClass: 'hot' } as const;

/** How many requests may be held at once. */
export const longPollLimit = ({ PCS_WAITING_READS_MAX }: Settings) => ({ max: PCS_WAITING_READS_MAX });

export type LongPollLimit = ReturnType<typeof longPollLimit>;

/** How long a request is held. */
export interface Wait {
  /** It is held until a change after this revision. */
  readonly since: number;
  /** The longest time (ms). */
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Holds requests until the response to their query has changed. A held request costs some memory, no connection, and no time
 * until something in its scope changes.
 */
@Injectable()
export class LongPolls implements OnModuleDestroy, Stepper {
  private readonly queries = new Map<string, { readonly pending: PendingPoll; readonly unfollow: () => void }>();
  /** Queries of which a request was answered a moment ago. */
  private readonly recent = new LRUCache<string, true>({ max: MAX_RECENT, ttl: BATCH_MS });
  private readonly unprocessed = new Set<PendingPoll>();
  /** Those whose clients have disconnected: thousands may do so in one turn of the event loop. */
  private readonly gone = new Fifo<Waiter>();
  private readonly ends: Counter<'reason'>;
  private batchTimer: NodeJS.Timeout | undefined;
  private isProcessing = false;
  private isEnding = false;
  private count = 0;

  /** @param random from 0 up to, but not including, 1 */
  constructor(
    private readonly view: CatalogView,
    private readonly feed: ChangeFeed,
    private readonly scheduler: Scheduler,
    @Inject(longPollLimit) private readonly limit: LongPollLimit,
    metrics: Metrics,
    @Optional() private readonly random: () => number = Math.random,
  ) {
    metrics.observedGauge('waiting_reads', 'Requests with `since` that are held.', () => this.count);
    this.ends = metrics.counter({
      name: 'waiting_reads_ended_total',
      help: 'Requests with `since` that are held no longer, by reason.',
      labelNames: ['reason'],
    });
    for (const reason of WAKE_REASONS) this.ends.inc({ reason }, 0);
  }

  /** How many requests are held. */
  get held(): number {
    return this.count;
  }

  /**
   * Resolves when something that affects the response has changed after `since`, when the time is up, when the view is loaded
   * again, or when the service shuts down; at once, when it is not known whether something has changed. The view must have
   * the revision `since`.
   * @throws RateLimitedError when too many requests are held
   * @throws the reason of the signal when it is aborted
   */
  async untilChanged(query: PollQuery, { since, limitMs, signal }: Wait): Promise<void> {
    signal?.throwIfAborted();
    if (this.isEnding || limitMs <= 0) return;
    const known = this.queries.get(query.key)?.pending;
    const affects = known?.affects ?? query.newTest();
    const changedAt = changedSince({ view: this.view, feed: this.feed }, query.scope, since, affects);
    if (changedAt !== undefined && !this.recent.has(query.key)) return this.answerAtOnce(query.key);
    if (this.count >= this.limit.max) throw new RateLimitedError('waiting reads', this.limit.max);
    const pending = known ?? this.follow(query);
    const woken = this.hold(pending, since, limitMs * (1 - this.random() * JITTER_SHARE), signal);
    if (changedAt !== undefined) pending.noteChange(changedAt);
    await woken;
    signal?.throwIfAborted();
  }

  /** Answers all requests. */
  onModuleDestroy(): void {
    this.isEnding = true;
    clearTimeout(this.batchTimer);
    for (const { pending } of this.queries.values()) pending.wakeAll('shutdown');
  }

  private answerAtOnce(key: string): void {
    this.recent.set(key, true);
    this.ends.inc({ reason: 'known' });
  }

  private follow(query: PollQuery): PendingPoll {
    const pending = new PendingPoll(
      query,
      poll => this.schedule(poll),
      poll => void this.restart(poll),
    );
    this.queries.set(query.key, { pending, unfollow: this.feed.follow(query.scope, pending) });
    return pending;
  }

  private hold(pending: PendingPoll, since: number, ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let gone: QueueEntry<Waiter> | undefined;
    const waiter: Waiter = {
      since,
      wake: reason => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        if (gone) this.gone.delete(gone);
        this.release(pending, waiter);
        this.ends.inc({ reason });
        resolve();
      },
    };
    const giveUp = () => {
      gone = this.giveUp(waiter);
    };
    const timer = setTimeout(() => waiter.wake('timeout'), ms);
    signal?.addEventListener('abort', giveUp, { once: true });
    pending.add(waiter);
    this.count += 1;
    return promise;
  }

  /** Ends one request whose client has disconnected. */
  step(): boolean {
    this.gone.shift()?.wake('gone');
    return this.gone.size > 0;
  }

  private giveUp(waiter: Waiter): QueueEntry<Waiter> {
    this.scheduler.schedule(this, WORK);
    return this.gone.add(waiter);
  }

  private release(pending: PendingPoll, waiter: Waiter): void {
    pending.remove(waiter);
    this.count -= 1;
    if (pending.isEmpty) this.forget(pending);
  }

  private forget(pending: PendingPoll): void {
    const known = this.queries.get(pending.key);
    if (known?.pending !== pending) return;
    known.unfollow();
    this.queries.delete(pending.key);
    this.unprocessed.delete(pending);
  }

  /** Later requests of the query do not join those that wait for their answer. */
  private async restart(pending: PendingPoll): Promise<void> {
    this.forget(pending);
    const turn = this.scheduler.begin(WORK);
    await pending.wakeAllInTurn('restarted', turn);
    turn.end();
  }

  /** Processes a query a moment later, since changes often come together and their requests are then answered once. */
  private schedule(pending: PendingPoll): void {
    this.unprocessed.add(pending);
    if (this.isProcessing || this.isEnding) return;
    this.batchTimer ??= setTimeout(() => void this.process(), BATCH_MS);
  }

  private async process(): Promise<void> {
    this.batchTimer = undefined;
    this.isProcessing = true;
    const turn = this.scheduler.begin(WORK);
    const batch = [...this.unprocessed];
    this.unprocessed.clear();
    for (const pending of batch) {
      if (await pending.process(turn)) this.recent.set(pending.key, true);
    }
    turn.end();
    this.isProcessing = false;
    for (const pending of this.unprocessed) this.schedule(pending);
  }
}
