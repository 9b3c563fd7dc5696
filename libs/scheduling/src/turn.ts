import { type Clock } from '@coordination/kernel';
import { type WorkOwner } from './work-queue.js';

/** What a {@link Turn} needs of the scheduler. */
export interface SliceSource {
  /** Resolves when the next slice of the turn begins. */
  nextSlice(turn: Turn): Promise<void>;
  /** The time of the monotonic clock at which the current slice ends. */
  readonly sliceEndsAtMs: number;
  /** Takes back what is left of a slice of which a turn has used so much (ms). */
  released(turn: Turn, usedMs: number): void;
}

/**
 * One piece of work, done in slices of processor time: `await turn.next()` once before it begins, and then
 * `if (turn.isOver) await turn.next()` before each item. Only one thing may be awaited at a time.
 *
 * Other awaits than {@link waitFor} are possible; they end the slice if they take longer than the current turn of the event
 * loop. A turn needs no end: one that is dropped holds nothing.
 */
export class Turn {
  private sliceStartMs: number | undefined;
  private sliceEndsAtMs = 0;
  private spent = 0;

  /** @param signal ends the work: {@link next} rejects with its reason from then on */
  constructor(
    private readonly source: SliceSource,
    readonly owner: WorkOwner,
    private readonly clock: Clock,
    readonly signal?: AbortSignal,
  ) {}

  /** Whether the slice is over, or has not begun. */
  get isOver(): boolean {
    return this.sliceStartMs === undefined || this.clock.monotonicMs() >= this.sliceEndsAtMs;
  }

  /**
   * Waits for the next slice.
   * @throws the reason of the signal when the work is aborted
   */
  async next(): Promise<void> {
    this.end();
    this.signal?.throwIfAborted();
    await this.source.nextSlice(this);
    this.sliceEndsAtMs = this.source.sliceEndsAtMs;
    this.sliceStartMs = this.clock.monotonicMs();
  }

  /**
   * Waits for the next slice if this one is over. Otherwise it only lets promises go on that are settled already, so that what
   * others do with the last item counts for the slice: for items that are handed to waiting callers.
   */
  async step(): Promise<void> {
    if (this.isOver) await this.next();
  }

  /** Waits for something else than processor time, such as the database, and then for the next slice. */
  async waitFor<Result>(other: Promise<Result>): Promise<Result> {
    this.end();
    try {
      return await other;
    } finally {
      await this.next();
    }
  }

  /** The time (ms) of all slices up to now: what the work itself took, however long it waited. */
  get spentMs(): number {
    return this.spent + (this.sliceStartMs === undefined ? 0 : this.clock.monotonicMs() - this.sliceStartMs);
  }

  /** Ends the slice, so that the rest of it is for other work at once. */
  end(): void {
    if (this.sliceStartMs === undefined) return;
    const usedMs = this.clock.monotonicMs() - this.sliceStartMs;
    this.spent += usedMs;
    this.sliceStartMs = undefined;
    this.source.released(this, usedMs);
  }
}
