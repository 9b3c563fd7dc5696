import { type Clock } from '@coordination/kernel';

/** How long (ms) watches work before the event loop may serve requests again. */
const TURN_MS = 10;

/** Something that works in small steps. */
export interface Worker {
  /** Does one small step; must not throw. @returns whether there is more to do at once */
  step(): boolean;
}

/**
 * Runs the steps of many workers in turn, a few milliseconds at a time, so that a change with ten thousand watchers delays
 * neither the response to a writer nor one watcher for another.
 */
export class FairScheduler {
  /** In the order in which they were scheduled. */
  private readonly waiting = new Set<Worker>();
  private running: NodeJS.Immediate | undefined;

  constructor(private readonly clock: Clock) {}

  /** How many workers wait for their turn. */
  get size(): number {
    return this.waiting.size;
  }

  /** Makes a worker step, some time later. */
  schedule(worker: Worker): void {
    this.waiting.add(worker);
    this.running ??= setImmediate(() => this.run());
  }

  cancel(worker: Worker): void {
    this.waiting.delete(worker);
  }

  private run(): void {
    const endsAtMs = this.clock.monotonicMs() + TURN_MS;
    for (const worker of this.waiting) {
      this.waiting.delete(worker);
      // A worker with more to do goes to the end of the queue.
      if (worker.step()) this.waiting.add(worker);
      if (this.clock.monotonicMs() >= endsAtMs) break;
    }
    this.running = this.waiting.size > 0 ? setImmediate(() => this.run()) : undefined;
  }
}
