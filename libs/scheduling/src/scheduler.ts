import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, Logger } from '@nestjs/common';
import { Clock, systemClock } from '@coordination/kernel';
import { type SliceSource, Turn } from './turn.js';
import { WORK_CLASSES, type WorkClass } from './work-class.js';
import { type WaitingWork, type WorkOwner, WorkQueue } from './work-queue.js';

/** How long (ms) work runs before anything else may run. */
export const SLICE_MS = 4;

/** Pieces that take longer than this (ms) count as overlong. The last item of a slice always ends after it. */
const OVERLONG_MS = 2 * SLICE_MS;

/** A piece of work begins in a slice only if at least so much (ms) of it is left. */
const LEAST_LEFT_MS = 1;

/** The property of a stepper by which the scheduler knows that it waits. */
const WAITING = Symbol('waiting');

/** Something that works in small steps. */
export interface Stepper {
  /** For the scheduler. A stepper waits at one scheduler at a time. */
  [WAITING]?: { readonly owner: WorkOwner; readonly work: WaitingWork<Waiting> } | undefined;
  /** Does one small step. One that throws is not called again, unless it is scheduled again. @returns whether there is more to do at once */
  step(): boolean;
}

/** What the work of a class had up to now. */
export interface ClassUse {
  /** How often work of the class ran: slices of turns, and steps. */
  readonly pieces: number;
  /** For how long (ms) in all. */
  readonly spentMs: number;
  /** How many pieces took longer than two slices. */
  readonly overlong: number;
}

/** A turn that waits for its next slice. */
class WaitingTurn {
  private readonly resolvers = Promise.withResolvers<void>();
  private readonly work: WaitingWork<Waiting>;

  constructor(
    readonly turn: Turn,
    private readonly queue: WorkQueue<Waiting>,
  ) {
    turn.signal?.addEventListener('abort', this.giveUp);
    this.work = queue.add(this, turn.owner);
  }

  get begun(): Promise<void> {
    return this.resolvers.promise;
  }

  begin(): void {
    this.turn.signal?.removeEventListener('abort', this.giveUp);
    this.resolvers.resolve();
  }

  private readonly giveUp = (): void => {
    this.turn.signal?.removeEventListener('abort', this.giveUp);
    this.queue.remove(this.work);
    this.resolvers.reject(this.turn.signal?.reason);
  };
}

type Waiting = WaitingTurn | Stepper;

/**
 * The one scheduler of work that takes more than a few milliseconds. Work runs in slices of at most 4 ms, one in each turn of
 * the event loop; several short pieces of work share a slice. After a slice comes a *rest*: as long as requests and connections
 * arrive, the loop runs without work of the scheduler, but no longer than the slice took. The loop turns during a rest, because
 * libuv accepts one connection in each of its turns. If a turn of the loop brought nothing new, work continues at once, so an
 * idle node loses no time. {@link WorkQueue} decides whose turn it is.
 */
@Injectable()
export class Scheduler implements SliceSource {
  private readonly queue = new WorkQueue<Waiting>();
  private readonly uses = new Map(WORK_CLASSES.map(name => [name, { pieces: 0, spentMs: 0, overlong: 0 }]));
  private readonly logger = new Logger('Scheduler');
  /** Runs a function outside the context of any request, or else the work of all would run in that of one. */
  private readonly outsideRequests = AsyncLocalStorage.snapshot();
  private readonly settle = () => process.nextTick(this.settled);
  private readonly settled = () => this.endStep();
  private isArmed = false;
  private isInSlice = false;
  /** When the current slice ends, and what was used of it. */
  private endsAtMs = 0;
  private usedMs = 0;
  private isFirstPiece = false;
  /** The turn that has the current slice. */
  private holder: Turn | undefined;
  /** The step that is being done. */
  private current: { readonly workClass: WorkClass; readonly startMs: number } | undefined;
  private arrivals = 0;
  private seenArrivals = 0;
  private restEndsAtMs = 0;

  constructor(readonly clock: Clock = systemClock) {}

  /** Must be called for each request and connection that arrives, so that the loop is given to them. */
  noteArrival(): void {
    this.arrivals += 1;
  }

  /**
   * Begins a piece of work. Its first slice must be awaited ({@link Turn.next}).
   * @param signal ends the work while it waits for a slice, such as when its caller is gone
   */
  begin(owner: WorkOwner, signal?: AbortSignal): Turn {
    return new Turn(this, owner, this.clock, signal);
  }

  /** Makes a worker step, some time later, until it has nothing to do. No effect if it waits for a step already. */
  schedule(stepper: Stepper, owner: WorkOwner): void {
    if (stepper[WAITING]) return;
    stepper[WAITING] = { owner, work: this.queue.add(stepper, owner) };
    this.arm();
  }

  cancel(stepper: Stepper): void {
    const waiting = stepper[WAITING];
    if (!waiting) return;
    stepper[WAITING] = undefined;
    this.queue.remove(waiting.work);
  }

  /** How many pieces of work wait. */
  get size(): number {
    return this.queue.size;
  }

  /** How many pieces of work of a class wait. */
  waiting(workClass: WorkClass): number {
    return this.queue.waiting(workClass);
  }

  /** What the work of a class had up to now. */
  use(workClass: WorkClass): ClassUse {
    return this.uses.get(workClass)!;
  }

  /** For {@link Turn}. */
  get sliceEndsAtMs(): number {
    return this.endsAtMs;
  }

  /** For {@link Turn}. */
  nextSlice(turn: Turn): Promise<void> {
    const { begun } = new WaitingTurn(turn, this.queue);
    this.arm();
    return begun;
  }

  /** For {@link Turn}. */
  released(turn: Turn, usedMs: number): void {
    this.charge(turn.owner.workClass, usedMs);
    if (this.holder !== turn) return;
    this.holder = undefined;
    // Not here: the turn may be about to wait for its next slice.
    if (this.isInSlice) this.outsideRequests(() => queueMicrotask(() => this.continueSlice()));
  }

  /**
   * Both run in the same turn of the loop, the second when everything is done that the first has started: turns go on in
   * microtasks, which run between two immediates.
   */
  private arm(): void {
    if (this.isArmed) return;
    this.isArmed = true;
    this.outsideRequests(() => {
      setImmediate(() => this.beginSlice());
      setImmediate(() => this.endSlice());
    });
  }

  private beginSlice(): void {
    const hasNews = this.arrivals !== this.seenArrivals;
    this.seenArrivals = this.arrivals;
    const now = this.clock.monotonicMs();
    if (hasNews && now < this.restEndsAtMs) return;
    this.isInSlice = true;
    this.endsAtMs = now + SLICE_MS;
    this.usedMs = 0;
    this.isFirstPiece = true;
    this.continueSlice();
  }

  /** Works until the slice is over, or until a turn has it, which gives it back. */
  private continueSlice(): void {
    while (this.isInSlice && !this.holder && !this.current && this.hasTimeLeft) {
      const next = this.queue.next();
      if (!next) return;
      this.isFirstPiece = false;
      if (next instanceof WaitingTurn) {
        this.holder = next.turn;
        next.begin();
      } else {
        this.step(next);
      }
    }
  }

  /** One piece runs in each slice, even if the process has got no processor time since the slice began. */
  private get hasTimeLeft(): boolean {
    return this.isFirstPiece || this.endsAtMs - this.clock.monotonicMs() >= LEAST_LEFT_MS;
  }

  private step(stepper: Stepper): void {
    const { owner } = stepper[WAITING]!;
    stepper[WAITING] = undefined;
    this.current = { workClass: owner.workClass, startMs: this.clock.monotonicMs() };
    let hasMore = false;
    try {
      hasMore = stepper.step();
    } catch (error) {
      this.logger.error(error, 'Work of the scheduler failed');
    }
    if (hasMore) this.schedule(stepper, owner);
    // Node.js writes to sockets in the next tick, which takes longer than most steps. It is a part of the step.
    queueMicrotask(this.settle);
  }

  /** When everything has run that the step has put off to the end of the current turn. */
  private endStep(): void {
    const { workClass, startMs } = this.current!;
    this.current = undefined;
    this.charge(workClass, this.clock.monotonicMs() - startMs);
    this.continueSlice();
  }

  private endSlice(): void {
    if (this.isInSlice) {
      this.isInSlice = false;
      // A turn that has ended without saying so, or that waits for something else than a slice.
      this.holder?.end();
      this.holder = undefined;
      this.restEndsAtMs = this.clock.monotonicMs() + this.usedMs;
    }
    this.isArmed = false;
    if (this.queue.size > 0) this.arm();
  }

  private charge(workClass: WorkClass, ms: number): void {
    const use = this.uses.get(workClass)!;
    use.pieces += 1;
    use.spentMs += ms;
    if (ms > OVERLONG_MS) use.overlong += 1;
    this.usedMs += ms;
    this.queue.charge(workClass, ms);
  }
}
