import { type Databases, withSilenceTimeout } from '@coordination/database';
import { type Clock, StoreUnavailableError } from '@coordination/kernel';
import { type BackgroundTask } from '@coordination/observability';
import { LRUCache } from 'lru-cache';
import { type InstanceLeaseRepository, type Renewal } from './instance-lease.repository.js';

/** Flushes in the time by which a renewal must be noted. */
const FLUSHES_PER_BOUND = 10;

/** A server that is not heard of for so many times the bound counts as one that does not answer. */
const SILENCE_FACTOR = 3;

/** Tries in that time to note what a writing transaction held; those last for milliseconds. */
const RETRIES_PER_BOUND = 50;

/** The most renewals that one statement carries. */
const MAX_FLUSH = 10_000;

/** Ids that are remembered as gone: more than are likely to be asked for before the view has forgotten them too. */
const MAX_GONE = 100_000;

interface Sign {
  /** Monotonic time of the newest sign. */
  at: number;
  /** Monotonic time of the first sign that has not been noted; or of the last try to, if the database did answer it. */
  readonly first: number;
  reported: boolean;
  /** The incarnation that it is for; undefined: whichever runs. */
  incarnationNumber: number | undefined;
}

/** What is known of a sign of life besides whose it is. */
export interface SignDetails {
  /** Whether it was a health report. */
  readonly reported?: boolean;
  /** How long ago (ms) it was given. */
  readonly ageMs?: number;
  /** The incarnation that it is for: once the next one has begun, it does not count. Undefined: whichever runs. */
  readonly incarnationNumber?: number | undefined;
}

export interface LeaseRenewalsTools {
  readonly databases: Databases;
  readonly leases: InstanceLeaseRepository;
  readonly clock: Clock;
  readonly task: BackgroundTask;
}

/**
 * Collects signs of life and notes them in the database a few times a second, in one statement for all. A sign that was
 * taken is noted within the bound, or no further ones are taken: a node that cannot reach the database must not go on
 * telling instances that they are alive.
 */
export class LeaseRenewals {
  private readonly waiting = new Map<string, Sign>();
  private readonly gone = new LRUCache<string, true>({ max: MAX_GONE });
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private closed = false;
  /** Signs came too late to the database; none are taken until a flush has shown that it answers again. */
  private refusing = false;
  private notedCount = 0;
  private reviver: ((ids: readonly string[]) => void) | undefined;

  /** @param boundMs by when (ms) a sign that was taken is in the database */
  constructor(
    private readonly tools: LeaseRenewalsTools,
    private readonly boundMs: number,
  ) {}

  /** Signs that have not been noted. */
  get backlog(): number {
    return this.waiting.size;
  }

  /** Signs that were noted in the database since the start. */
  get noted(): number {
    return this.notedCount;
  }

  /** @param reviver is told of instances whose renewal was noted after they had become unhealthy for want of one */
  onRevived(reviver: (ids: readonly string[]) => void): void {
    this.reviver = reviver;
  }

  /** Whether the database said that there is no such lease; then there never will be, for ids do not come back. */
  isGone(id: string): boolean {
    return this.gone.has(id);
  }

  /**
   * Takes a sign of life of an instance.
   * @throws StoreUnavailableError when earlier ones could not be noted in time; they are dropped
   */
  renew(id: string, { reported = false, ageMs = 0, incarnationNumber }: SignDetails = {}): void {
    const now = this.tools.clock.monotonicMs();
    this.refuseWhenLate(now);
    const at = now - ageMs;
    const sign = this.waiting.get(id);
    if (!sign || isOutlived(sign.incarnationNumber, incarnationNumber)) {
      this.waiting.set(id, { at, first: sign?.first ?? now, reported, incarnationNumber });
    } else if (!isOutlived(incarnationNumber, sign.incarnationNumber)) {
      sign.at = Math.max(sign.at, at);
      sign.reported ||= reported;
      // One that is for whichever runs counts in any case.
      if (incarnationNumber === undefined) sign.incarnationNumber = undefined;
    }
    this.schedule();
  }

  /**
   * Asks the database before there is anything to note. Connecting takes as long as several flushes when a node gets busy
   * at once, and the first renewals would be too late.
   */
  async getReady(): Promise<void> {
    if (!this.closed) await this.flush();
  }

  /** Notes what is left; nothing is taken afterwards. */
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
    // The first entry is the oldest: signs keep the place of the first one that was not noted.
    const [oldest] = this.waiting.values();
    if (oldest !== undefined && now - oldest.first > this.boundMs / 2) {
      this.waiting.clear();
      this.refusing = true;
      this.schedule();
    }
    if (this.refusing || this.closed) throw new StoreUnavailableError();
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
   * Signs stay in `waiting` until they are noted, so that their age is seen while a flush hangs. With none waiting it
   * only finds out whether the database answers.
   * @returns how many leases a writing transaction held, so that their signs could not be noted
   */
  private async flush(): Promise<number> {
    const taken = [...this.waiting].slice(0, MAX_FLUSH).map(([id, sign]) => ({ id, sign, ...sign }));
    const sentAt = this.tools.clock.monotonicMs();
    const renewals = taken.map(({ id, at, reported, incarnationNumber }): Renewal => ({
      id,
      ageMs: sentAt - at,
      reported,
      incarnationNumber,
    }));
    const { databases, leases, task } = this.tools;
    const turn = task.begin();
    try {
      // A server that says nothing must not keep the flush for ever; but one that is merely slow would never be heard,
      // if each connection was cut before it had the time to be opened and to be answered on.
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
        // It was dropped meanwhile: then another one may have its place.
        if (this.waiting.get(id) !== sign) continue;
        this.waiting.delete(id);
        // A lease that is being written does not mean that the database is away, which is what makes signs late.
        if (unnoted.has(id)) this.waiting.set(id, { ...sign, first: this.tools.clock.monotonicMs() });
        else if (sign.at > at) this.waiting.set(id, { ...sign, first: sign.at });
      }
      for (const id of missing) this.markGone(id);
      this.notedCount += taken.length - busy.length - missing.length;
      if (revived.length > 0) this.reviver?.(revived);
      return busy.length;
    } catch (error) {
      // They stay, grow old, and from half the bound on callers are told.
      turn.failed(error);
      return 0;
    }
  }

  private markGone(id: string): void {
    this.waiting.delete(id);
    this.gone.set(id, true);
  }
}

/** Whether a sign is for an incarnation that another sign shows to have ended. */
const isOutlived = (of: number | undefined, other: number | undefined): boolean =>
  of !== undefined && other !== undefined && of < other;
