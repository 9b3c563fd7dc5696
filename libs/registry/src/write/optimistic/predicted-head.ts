import { type LogPosition, type LockedHead } from '@coordination/log';
import { type Clock } from '@coordination/kernel';

/** The most batches in a row that take the lock after appends without it have failed. */
const LONGEST_DISTRUST = 64;

/**
 * What the head will be when the next batch comes to it, as far as this node can know without asking: nobody else has
 * appended, and the clock of the database has gone on as the clock here. A batch decided on it is appended only where all
 * of that is so. After an append that failed, it is not relied on for a while, twice as long each time: where other nodes
 * write as well, most of what is forecast is wrong.
 */
export class PredictedHead {
  private fence: number | undefined;
  /** The clock of the database minus the monotonic clock here (ms), or a bit less: answers take time. */
  private offsetMs = Number.NEGATIVE_INFINITY;
  /** The time of the log, as far as this node knows: after the clock was set back, it is ahead of it. */
  private logMs = 0;
  private distrusted = 0;
  private distrust = 0;

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {}

  /** Learns from a head that has just been locked. */
  learn({ fence, now, clock }: Pick<LockedHead, 'fence' | 'now' | 'clock'>): void {
    this.fence = fence;
    this.offsetMs = Date.parse(clock) - this.clock.monotonicMs();
    this.logMs = Date.parse(now);
  }

  /**
   * Notes that a batch was appended by the forecast.
   * @param clock that of the database meanwhile (RFC 3339 in UTC)
   */
  held(clock: string): void {
    this.offsetMs = Math.max(this.offsetMs, Date.parse(clock) - this.clock.monotonicMs());
    this.distrust = 0;
  }

  /** Notes that a batch could not be appended by the forecast. */
  failed(): void {
    this.fence = undefined;
    this.distrust = Math.min(2 * this.distrust + 1, LONGEST_DISTRUST);
    this.distrusted = this.distrust;
  }

  /** The head as it should be, if this node knows the log up to a place; undefined: better lock it. */
  head(known: LogPosition): LockedHead | undefined {
    if (this.fence === undefined) return undefined;
    if (this.distrusted > 0) {
      this.distrusted -= 1;
      return undefined;
    }
    const clockMs = Math.floor(this.clock.monotonicMs() + this.offsetMs);
    this.logMs = Math.max(this.logMs, clockMs);
    const now = new Date(this.logMs).toISOString();
    return { ...known, at: now, now, clock: new Date(clockMs).toISOString(), fence: this.fence };
  }
}
