import { Injectable } from '@nestjs/common';
import { Clock, systemClock } from '@coordination/kernel';
import { type WorkClass } from './work-class.js';

/** How long (ms) one piece of work runs before anything else may run. */
const SLICE_MS = 4;

/** Whose work it is: the scheduler takes turns among classes, and in a class among clients. */
export interface WorkOwner {
  readonly workClass: WorkClass;
  /** The address of the caller; absent: work of the node itself. */
  readonly client?: string | undefined;
}

/** Something that works in small steps. */
export interface Stepper {
  /** Does one small step; must not throw. @returns whether there is more to do at once */
  step(): boolean;
}

/**
 * The one scheduler of work that takes more than a few milliseconds. Work runs in slices of at most 4 ms; after each, the event
 * loop runs freely as long as requests and connections arrive, but no longer than the slice took.
 */
@Injectable()
export class Scheduler {
  private readonly waiting = new Set<() => void>();
  private readonly steppers = new Map<Stepper, () => void>();
  private running: NodeJS.Immediate | undefined;
  private arrivals = 0;
  private seenArrivals = 0;
  private restEndsAtMs = 0;

  constructor(private readonly clock: Clock = systemClock) {}

  /** Must be called for each request and connection that arrives, so that the loop is given to them. */
  noteArrival(): void {
    this.arrivals += 1;
  }

  /** Begins a piece of work. Its first slice must be awaited ({@link Turn.next}). */
  begin(owner: WorkOwner): Turn {
    return new Turn(this, owner, this.clock);
  }

  /** Makes a worker step, some time later, in slices. */
  schedule(stepper: Stepper, owner: WorkOwner): void {
    if (this.steppers.has(stepper)) return;
    const run = () => {
      this.steppers.delete(stepper);
      const endsAtMs = this.clock.monotonicMs() + SLICE_MS;
      while (stepper.step()) {
        if (this.clock.monotonicMs() < endsAtMs) continue;
        this.schedule(stepper, owner);
        return;
      }
    };
    this.steppers.set(stepper, run);
    this.enqueue(run);
  }

  cancel(stepper: Stepper): void {
    const run = this.steppers.get(stepper);
    if (!run) return;
    this.steppers.delete(stepper);
    this.waiting.delete(run);
  }

  /** For {@link Turn}: resolves when the next slice of the work begins. */
  nextSlice(_owner: WorkOwner): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.enqueue(resolve);
    return promise;
  }

  private enqueue(run: () => void): void {
    this.waiting.add(run);
    this.running ??= setImmediate(() => this.turn());
  }

  private turn(): void {
    const now = this.clock.monotonicMs();
    const isBusy = this.arrivals !== this.seenArrivals;
    this.seenArrivals = this.arrivals;
    if (!isBusy || now >= this.restEndsAtMs) {
      const [first] = this.waiting;
      if (first) {
        this.waiting.delete(first);
        first();
      }
      // Work that is awaited runs after this function; it counts from the next turn of the loop.
      this.restEndsAtMs = this.clock.monotonicMs() + SLICE_MS;
    }
    this.running = this.waiting.size > 0 ? setImmediate(() => this.turn()) : undefined;
  }
}

/** One piece of work, done in slices: `if (turn.isOver) await turn.next()` before each item. */
export class Turn {
  private sliceStartMs: number | undefined;
  private spent = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly owner: WorkOwner,
    private readonly clock: Clock,
  ) {}

  /** Whether the slice is over, or has not begun. */
  get isOver(): boolean {
    return this.sliceStartMs === undefined || this.clock.monotonicMs() - this.sliceStartMs >= SLICE_MS;
  }

  /** Waits for the next slice. */
  async next(): Promise<void> {
    this.pause();
    await this.scheduler.nextSlice(this.owner);
    this.sliceStartMs = this.clock.monotonicMs();
  }

  /** Waits for something else than processor time, such as the database, and then for the next slice. */
  async waitFor<Result>(other: Promise<Result>): Promise<Result> {
    this.pause();
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

  private pause(): void {
    this.spent = this.spentMs;
    this.sliceStartMs = undefined;
  }
}
