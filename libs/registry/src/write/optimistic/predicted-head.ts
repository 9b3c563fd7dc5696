import { Inject, Injectable } from '@nestjs/common';
import { type LogPosition, type LockedHead } from '@coordination/log';
import { Clock } from '@coordination/kernel';

/** The most batches in a row that take the lock after wrong predictions. */
const MAX_SKIPPED = 64;

/**
 * Predicts the head that the next batch will find, without asking: no other node has appended, and the clock of the database
 * has advanced as much as the clock here. A batch decided on it is appended only if all of that is true. After a wrong
 * prediction there is none for some batches, twice as many each time: where other nodes write as well, most predictions
 * would be wrong.
 */
@Injectable()
export class PredictedHead {
  private fence: number | undefined;
  /** The clock of the database minus the monotonic clock here (ms), or a bit less, because answers take time. */
  private offsetMs = Number.NEGATIVE_INFINITY;
  /** The time of the log, as far as this node knows it. It is ahead of the clock of the database after that was set back. */
  private logMs = 0;
  /** For how many more batches there is no prediction, and for how many after the last wrong one. */
  private leftToSkip = 0;
  private skipped = 0;

  constructor(@Inject(Clock) private readonly clock: Pick<Clock, 'monotonicMs'>) {}

  /** Learns from a head that has just been locked. */
  learn({ fence, now, clock }: Pick<LockedHead, 'fence' | 'now' | 'clock'>): void {
    this.fence = fence;
    this.offsetMs = Date.parse(clock) - this.clock.monotonicMs();
    this.logMs = Date.parse(now);
  }

  /**
   * Records that a prediction was right.
   * @param clock that of the database at that time (RFC 3339 in UTC)
   */
  noteRight(clock: string): void {
    this.offsetMs = Math.max(this.offsetMs, Date.parse(clock) - this.clock.monotonicMs());
    this.skipped = 0;
  }

  /** Records that a prediction was wrong, or that its append failed. */
  noteWrong(): void {
    this.fence = undefined;
    this.skipped = Math.min(2 * this.skipped + 1, MAX_SKIPPED);
    this.leftToSkip = this.skipped;
  }

  /**
   * The predicted head.
   * @param position up to where this node has seen the log
   * @returns undefined when the head should be locked instead
   */
  head(position: LogPosition): LockedHead | undefined {
    if (this.fence === undefined) return undefined;
    if (this.leftToSkip > 0) {
      this.leftToSkip -= 1;
      return undefined;
    }
    const clockMs = Math.floor(this.clock.monotonicMs() + this.offsetMs);
    this.logMs = Math.max(this.logMs, clockMs);
    const now = new Date(this.logMs).toISOString();
    return { ...position, at: now, now, clock: new Date(clockMs).toISOString(), fence: this.fence };
  }
}
