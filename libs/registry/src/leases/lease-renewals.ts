import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type Settings } from '@coordination/config';
import { Databases, SchemaGate, withSilenceTimeout } from '@coordination/database';
import { Clock, StoreUnavailableError } from '@coordination/kernel';
import { type BackgroundTask, BackgroundTasks } from '@coordination/observability';
import { awakeMsSince } from '@coordination/scheduling';
import { LRUCache } from 'lru-cache';
import { InstanceLeaseRepository, type Renewal } from './instance-lease.repository.js';

/** Flushes in the time within which a renewal must be recorded. */
const FLUSHES_PER_BOUND = 10;

/** A server that sends nothing for this many times the bound counts as one that does not answer. */
const SILENCE_FACTOR = 3;

/** Attempts in that time to record leases that a writing transaction had locked, which takes milliseconds. */
const RETRIES_PER_BOUND = 50;

/** The most renewals that one statement carries. */
const MAX_FLUSH = 10_000;

/** Ids that are remembered as removed: more than are likely to be used before the view has removed them too. */
const MAX_REMOVED = 100_000;

interface Sign {
  /** Monotonic time of the newest sign. */
  at: number;
  /** Monotonic time of the first sign that has not been recorded; or of the last attempt, if the database did answer it. */
  readonly first: number;
  reported: boolean;
  /** The incarnation that it is for; undefined: the one that runs, whichever it is. */
  incarnationNumber: number | undefined;
}

/** What is known about a sign of life besides its instance. */
export interface SignDetails {
  /** Whether it was a health report. */
  readonly reported?: boolean;
  /** How long ago (ms) it was given. */
  readonly ageMs?: number;
  /** The incarnation that it is for; it does not count once the next one has begun. Undefined: the one that runs, whichever it is. */
  readonly incarnationNumber?: number | undefined;
}

/** By when (ms) a sign of life that was accepted is in the database. */
export const leaseFlushBoundMs = ({ PCS_LEASE_FLUSH_BOUND_MS }: Settings) => PCS_LEASE_FLUSH_BOUND_MS;

/**
 * Collects signs of life and records them in the database a few times a second, in one statement for all. A sign that was
 * accepted is recorded within the bound, or no further ones are accepted: a node that cannot reach the database must not
 * confirm heartbeats. Stalls of this process do not count: what was accepted before one is recorded after it, however late.
 */
@Injectable()
export class LeaseRenewals implements OnModuleInit {
  private readonly waiting = new Map<string, Sign>();
  private readonly removed = new LRUCache<string, true>({ max: MAX_REMOVED });
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private closed = false;
  /** Signs were recorded too late; none are accepted until a flush has shown that the database answers again. */
  private refusing = false;
  private notedCount = 0;
  private reviver: ((ids: readonly string[]) => void) | undefined;
  private readonly task: BackgroundTask;

  constructor(
    private readonly databases: Databases,
    private readonly leases: InstanceLeaseRepository,
    private readonly clock: Clock,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
    @Inject(SchemaGate) private readonly schema: Pick<SchemaGate, 'opened'>,
    @Inject(leaseFlushBoundMs) private readonly boundMs: number,
  ) {
    this.task = tasks.task('lease-flush');
  }

  /**
   * Asks the database before there is anything to record. When a node gets many heartbeats at once, connecting takes as long
   * as several flushes, and the first renewals would be too late.
   */
  onModuleInit(): void {
    void this.schema.opened.then(() => this.connect());
  }

  /** Signs that have not been recorded. */
  get backlog(): number {
    return this.waiting.size;
  }

  /** Signs that were recorded in the database since the start. */
  get noted(): number {
    return this.notedCount;
  }

  /** @param reviver gets the instances whose renewal was recorded after they had become unhealthy because their lease had ended */
  onRevived(reviver: (ids: readonly string[]) => void): void {
    this.reviver = reviver;
  }

  /** Whether the database has answered that the lease does not exist. It never will again, because ids are not reused. */
  isGone(id: string): boolean {
    return this.removed.has(id);
  }

  /**
   * Accepts a sign of life of an instance.
   * @throws StoreUnavailableError when earlier ones could not be recorded in time; they are dropped
   */
  renew(id: string, { reported = false, ageMs = 0, incarnationNumber }: SignDetails = {}): void {
    const now = this.clock.monotonicMs();
    this.refuseWhenLate(now);
    const at = now - ageMs;
    const sign = this.waiting.get(id);
    if (!sign || isOutlived(sign.incarnationNumber, incarnationNumber)) {
      this.waiting.set(id, { at, first: sign?.first ?? now, reported, incarnationNumber });
    } else if (!isOutlived(incarnationNumber, sign.incarnationNumber)) {
      sign.at = Math.max(sign.at, at);
      sign.reported ||= reported;
      // A sign that names no incarnation counts in any case.
      if (incarnationNumber === undefined) sign.incarnationNumber = undefined;
    }
    this.schedule();
  }

  private async connect(): Promise<void> {
    if (!this.closed) await this.flush();
  }

  /** Records what is left; nothing is accepted afterwards. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.flushing;
    for (let before = Infinity; this.waiting.size > 0 && this.waiting.size < before;) {
      before = this.waiting.size;
      await this.flush();
    }
  }

  private refuseWhenLate(now: number): void {
    // The first entry is the oldest: a sign keeps the place of the first one that was not recorded.
    const [oldest] = this.waiting.values();
    if (oldest !== undefined && this.isLate(now, oldest.first)) {
      this.waiting.clear();
      this.refusing = true;
      this.schedule();
    }
    if (this.refusing || this.closed) throw new StoreUnavailableError();
  }

  /** The age is compared first, because this is called for each renewal. */
  private isLate(now: number, firstMs: number): boolean {
    const limitMs = this.boundMs / 2;
    return now - firstMs > limitMs && awakeMsSince(this.databases.stalls, firstMs, this.clock) > limitMs;
  }

  private schedule(delayMs = this.boundMs / FLUSHES_PER_BOUND): void {
    if (this.timer !== undefined || this.flushing !== undefined || this.closed) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.flushing = this.flushAndGoOn();
    }, delayMs);
  }

  private async flushAndGoOn(): Promise<void> {
    const busy = await this.flush();
    this.flushing = undefined;
    if (busy > 0) this.schedule(this.boundMs / RETRIES_PER_BOUND);
    else if (this.waiting.size > 0 || this.refusing) this.schedule();
  }

  /**
   * Signs stay in `waiting` until they are recorded, so that their age is visible while a flush hangs. When none are waiting,
   * it only finds out whether the database answers.
   * @returns how many leases a writing transaction had locked, so that their signs could not be recorded
   */
  private async flush(): Promise<number> {
    const taken = [...this.waiting].slice(0, MAX_FLUSH).map(([id, sign]) => ({ id, sign, ...sign }));
    const sentAt = this.clock.monotonicMs();
    const renewals = taken.map(({ id, at, reported, incarnationNumber }): Renewal => ({
      id,
      ageMs: sentAt - at,
      reported,
      incarnationNumber,
    }));
    const { databases, leases, task } = this;
    const turn = task.begin();
    try {
      // A silent server must not keep the flush for ever. But the limit must leave time to open a connection and to get an
      // answer, or a server that is merely slow would never answer.
      const { missing, busy, revived } = await withSilenceTimeout(
        databases,
        'leases',
        SILENCE_FACTOR * this.boundMs,
        () => leases.renew(databases.em('leases'), renewals),
      );
      turn.succeeded();
      this.refusing = false;
      const unnoted = new Set(busy);
      for (const { id, sign, at } of taken) {
        // It was dropped meanwhile; another one may have its place.
        if (this.waiting.get(id) !== sign) continue;
        this.waiting.delete(id);
        // A locked lease does not mean that the database does not answer, so its sign does not count as late.
        if (unnoted.has(id)) this.waiting.set(id, { ...sign, first: this.clock.monotonicMs() });
        else if (sign.at > at) this.waiting.set(id, { ...sign, first: sign.at });
      }
      for (const id of missing) this.markRemoved(id);
      this.notedCount += taken.length - busy.length - missing.length;
      if (revived.length > 0) this.reviver?.(revived);
      return busy.length;
    } catch (error) {
      // Kept for retry. Once the oldest is older than half the bound, `renew()` throws.
      turn.failed(error);
      return 0;
    }
  }

  private markRemoved(id: string): void {
    this.waiting.delete(id);
    this.removed.set(id, true);
  }
}

/** Whether a sign is for an incarnation that another sign shows to have ended. */
const isOutlived = (of: number | undefined, other: number | undefined): boolean =>
  of !== undefined && other !== undefined && of < other;
