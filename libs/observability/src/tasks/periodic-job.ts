import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type BackgroundTask } from './background-task.js';

/** When the turns of a job come. */
export interface JobSchedule {
  /** Where the turns of the job are recorded. */
  readonly task: BackgroundTask;
  /** The longest pause between two turns (ms), where a turn does not return another one. */
  readonly everyMs: number;
  /** Share of the pause that is random, so that nodes that started together do not work in step. */
  readonly jitter?: number;
  /** The first turn waits for it, such as for the tables of the catalog. */
  readonly ready?: Promise<unknown>;
}

/**
 * A job of this node from the start of the application to its end: a turn at once, and another one after each pause. A turn
 * that fails is recorded by the {@link BackgroundTask}, and repeated soon.
 */
export abstract class PeriodicJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly ending = new AbortController();

  constructor(private readonly schedule: JobSchedule) {}

  /** Aborted when the application ends. */
  protected get signal(): AbortSignal {
    return this.ending.signal;
  }

  /**
   * The work of one turn.
   * @param progress to be called from time to time by a turn that takes long, so that it does not count as hanging
   * @returns the pause (ms) before the next turn, or nothing for the usual one
   */
  protected abstract turn(progress: () => void): Promise<number | void>;

  onApplicationBootstrap(): void {
    const { ready = Promise.resolve() } = this.schedule;
    void ready.then(() => this.run(this.schedule));
  }

  onModuleDestroy(): void | Promise<void> {
    this.ending.abort();
  }

  /** Repeats the turns until the end. A job that records its turns by itself overrides it. */
  protected async run({ task, everyMs, jitter }: JobSchedule): Promise<void> {
    const { signal } = this;
    await task.repeat(progress => this.turn(progress), { everyMs, signal, ...(jitter !== undefined && { jitter }) });
  }
}
