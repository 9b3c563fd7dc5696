import { Inject, Injectable, Optional } from '@nestjs/common';
import { SchemaGate } from '@coordination/database';
import { Clock, repeat } from '@coordination/kernel';
import { type BackgroundTask, BackgroundTasks, PeriodicJob } from '@coordination/observability';
import { RoleElector, TermEndedError } from '@coordination/leadership';
import { LeaseSweep } from './lease-sweep.js';

/** How often leases are swept; tests change it. */
export interface SweeperPace {
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;

/** Ends leases about once a second, on the node that holds the role of the sweeper. */
@Injectable()
export class SweeperJob extends PeriodicJob {
  private readonly task: BackgroundTask;
  private readonly everyMs: number;
  private lastAt: number | undefined;

  constructor(
    @Inject(RoleElector) private readonly elector: Pick<RoleElector, 'term' | 'confirm' | 'workedSecondsAgo'>,
    @Inject(LeaseSweep) private readonly sweep: Pick<LeaseSweep, 'run'>,
    private readonly clock: Clock,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
    @Inject(SchemaGate) schema: Pick<SchemaGate, 'opened'>,
    @Optional() { everyMs = EVERY_MS }: SweeperPace = {},
  ) {
    const task = tasks.task('lease-sweep');
    super({ task, everyMs, ready: schema.opened });
    this.task = task;
    this.everyMs = everyMs;
  }

  /** Seconds since this node last noticed that any node had swept; undefined before it looked. */
  get sweptSecondsAgo(): number | undefined {
    return this.elector.workedSecondsAgo;
  }

  protected override async run(): Promise<void> {
    await repeat(() => this.turn(), { everyMs: this.everyMs, signal: this.signal });
  }

  /** @returns 0, for no pause, when more leases can be ended at once */
  protected override async turn(): Promise<number | undefined> {
    const { elector, clock, task } = this;
    if (!elector.term) {
      this.lastAt = undefined;
      task.rests();
      return undefined;
    }
    const startedAt = clock.monotonicMs();
    const sinceLastMs = startedAt - (this.lastAt ?? startedAt);
    this.lastAt = startedAt;
    return (await this.sweepOnce(sinceLastMs)) ? 0 : undefined;
  }

  private async sweepOnce(sinceLastMs: number): Promise<boolean> {
    const turn = this.task.begin();
    try {
      const term = await this.elector.confirm();
      if (!term) {
        turn.dropped();
        return false;
      }
      const hasMore = await this.sweep.run(term, sinceLastMs, turn.progress);
      turn.succeeded();
      return hasMore;
    } catch (error) {
      // The application ends, or another node sweeps now.
      if (this.signal.aborted || error instanceof TermEndedError) turn.dropped();
      else turn.failed(error);
      return false;
    }
  }
}
