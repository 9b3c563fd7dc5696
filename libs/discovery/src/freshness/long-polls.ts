import { type OnModuleDestroy } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type Clock, RateLimitedError } from '@coordination/kernel';
import { type CatalogView, type ChangeFeed } from '@coordination/catalog';
import { ScanBudget } from '../selection/scan-budget.js';
import { changedSince } from './changed-since.js';
import { PendingPoll, type Waiter, type WakeReason } from './pending-poll.js';
import { type PollQuery } from './poll-query.js';

/** After a change, others are waited for so long (ms); nor is one question told of changes more often. */
const GATHER_MS = 25;

/** How many questions are remembered for that time. */
const MAX_TOLD_JUST_NOW = 10_000;

/** The part of its time by which a request may be held for less: those that came together shall not leave together. */
const JITTER_SHARE = 1 / 16;

/** Judging is bounded per question; here it only lets others have their turn. */
const NO_LIMITS = { instances: Infinity, milliseconds: Infinity };

/** What waiting reads work with. */
export interface WaitingParts {
  readonly view: CatalogView;
  readonly feed: ChangeFeed;
  readonly clock: Clock;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** How many requests may be held at once. */
  readonly max: number;
  /** Told of each end of a wait. */
  readonly ended: (reason: WakeReason) => void;
}

/** A request, and until when it is held. */
export interface Wait {
  readonly since: number;
  /** The longest that it is held (ms). */
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Holds requests until the answer to their question has changed. Whoever is held costs some memory, and neither a
 * connection nor, until something in its scope changes, any time.
 */
export class LongPolls implements OnModuleDestroy {
  private readonly questions = new Map<string, { readonly parked: PendingPoll; readonly unfollow: () => void }>();
  /** Questions whose answer was told to have changed a moment ago. */
  private readonly toldJustNow = new LRUCache<string, true>({ max: MAX_TOLD_JUST_NOW, ttl: GATHER_MS });
  private readonly stirred = new Set<PendingPoll>();
  private gathering: NodeJS.Timeout | undefined;
  private isJudging = false;
  private isEnding = false;
  private count = 0;

  constructor(private readonly parts: WaitingParts) {}

  /** How many requests are held. */
  get held(): number {
    return this.count;
  }

  /**
   * Resolves when something that alters the answer has changed after `since`, when the time is up, when the view was
   * loaded anew, or when the service ends. Where it cannot be told whether something has changed, it resolves at once.
   * The view must have the revision.
   * @throws RateLimitedError when too many are held
   * @throws whatever the signal was aborted with
   */
  async news(question: PollQuery, { since, limitMs, signal }: Wait): Promise<void> {
    signal?.throwIfAborted();
    if (this.isEnding || limitMs <= 0) return;
    const open = this.questions.get(question.key)?.parked;
    const concerns = open?.concerns ?? question.judge();
    const changedAt = changedSince(this.parts, question.scope, since, concerns);
    if (changedAt !== undefined && !this.toldJustNow.has(question.key)) return this.told(question.key);
    if (this.count >= this.parts.max) throw new RateLimitedError('waiting reads', this.parts.max);
    const parked = open ?? this.open(question);
    const woken = this.hold(parked, since, limitMs * (1 - this.parts.random() * JITTER_SHARE), signal);
    if (changedAt !== undefined) parked.alteredAt(changedAt);
    await woken;
    signal?.throwIfAborted();
  }

  /** Answers everybody. */
  onModuleDestroy(): void {
    this.isEnding = true;
    clearTimeout(this.gathering);
    for (const { parked } of this.questions.values()) parked.wakeAll('shutdown');
  }

  private told(key: string): void {
    this.toldJustNow.set(key, true);
    this.parts.ended('known');
  }

  private open(question: PollQuery): PendingPoll {
    const parked = new PendingPoll(question, stirred => this.gather(stirred));
    this.questions.set(question.key, { parked, unfollow: this.parts.feed.follow(question.scope, parked) });
    return parked;
  }

  private hold(parked: PendingPoll, since: number, ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter: Waiter = {
      since,
      wake: reason => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.release(parked, waiter);
        this.parts.ended(reason);
        resolve();
      },
    };
    const giveUp = () => waiter.wake('gone');
    const timer = setTimeout(() => waiter.wake('timeout'), ms);
    signal?.addEventListener('abort', giveUp, { once: true });
    parked.add(waiter);
    this.count += 1;
    return promise;
  }

  private release(parked: PendingPoll, waiter: Waiter): void {
    parked.remove(waiter);
    this.count -= 1;
    if (!parked.isEmpty) return;
    this.questions.get(parked.key)?.unfollow();
    this.questions.delete(parked.key);
    this.stirred.delete(parked);
  }

  /** Changes often come together; then those who wait for them are answered once. */
  private gather(parked: PendingPoll): void {
    this.stirred.add(parked);
    if (this.isJudging || this.isEnding) return;
    this.gathering ??= setTimeout(() => void this.judge(), GATHER_MS);
  }

  private async judge(): Promise<void> {
    this.gathering = undefined;
    this.isJudging = true;
    const budget = new ScanBudget(NO_LIMITS, this.parts.clock);
    const round = [...this.stirred];
    this.stirred.clear();
    for (const parked of round) {
      if (await parked.settle(() => budget.look())) this.toldJustNow.set(parked.key, true);
    }
    this.isJudging = false;
    for (const parked of this.stirred) this.gather(parked);
  }
}
