import { type Clock } from '@coordination/kernel';

/** How long (ms) the work of watchers goes on without letting requests have their turn. */
const TURN_MS = 10;

/** Somebody with work that can be done piece by piece. */
export interface Worker {
  /** Does one small piece, and must not throw. @returns whether there is more to do at once */
  step(): boolean;
}

/**
 * Lets many do their work in turn, a few milliseconds at a time: a change that ten thousand watch must keep neither a
 * writer from its answer nor one watcher from another's.
 */
export class FairScheduler {
  /** In the order in which they asked. */
  private readonly waiting = new Set<Worker>();
  private running: NodeJS.Immediate | undefined;

  constructor(private readonly clock: Clock) {}

  /** How many have work. */
  get size(): number {
    return this.waiting.size;
  }

  /** Gives a worker its turn, some time later. */
  ask(worker: Worker): void {
    this.waiting.add(worker);
    this.running ??= setImmediate(() => this.run());
  }

  /** Takes a request for a turn back. */
  leave(worker: Worker): void {
    this.waiting.delete(worker);
  }

  private run(): void {
    const endsAtMs = this.clock.monotonicMs() + TURN_MS;
    for (const worker of this.waiting) {
      this.waiting.delete(worker);
      // Whoever has more to do is at the end of the line now.
      if (worker.step()) this.waiting.add(worker);
      if (this.clock.monotonicMs() >= endsAtMs) break;
    }
    this.running = this.waiting.size > 0 ? setImmediate(() => this.run()) : undefined;
  }
}
