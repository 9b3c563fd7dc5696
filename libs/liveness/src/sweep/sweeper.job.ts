import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Clock, repeat } from '@coordination/kernel';
import { type BackgroundTask } from '@coordination/observability';
import { type RoleElector, type RoleTerm, TermEndedError } from '@coordination/leadership';
import { type LeaseSweep } from './lease-sweep.js';
import { type SweepMetrics } from './sweep-metrics.js';

/** The role of the node that ends leases. */
export const SWEEPER_ROLE = 'sweeper';

const EVERY_MS = 1_000;

export interface SweeperOptions {
  readonly elector: Pick<RoleElector, 'term'>;
  readonly sweep: Pick<LeaseSweep, 'run'>;
  readonly metrics: SweepMetrics;
  readonly clock: Clock;
  readonly task: BackgroundTask;
  /** Resolves when the tables are there. */
  readonly ready: Promise<unknown>;
  readonly everyMs?: number;
}

/** Ends leases about once a second, on the node that has the role. */
export class SweeperJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly ending = new AbortController();
  private lastAt: number | undefined;

  constructor(private readonly options: SweeperOptions) {}

  onApplicationBootstrap(): void {
    const { ready, everyMs = EVERY_MS } = this.options;
    const { signal } = this.ending;
    const turn = async () => ((await this.sweep()) ? 0 : undefined);
    void ready.then(() => repeat(turn, { everyMs, signal }));
  }

  onModuleDestroy(): void {
    this.ending.abort();
  }

  /** @returns whether there is more that can be ended at once */
  private async sweep(): Promise<boolean> {
    const { elector, clock, task } = this.options;
    const { term } = elector;
    if (!term) {
      this.lastAt = undefined;
      task.rests();
      return false;
    }
    const startedAt = clock.monotonicMs();
    const sinceLastMs = startedAt - (this.lastAt ?? startedAt);
    this.lastAt = startedAt;
    return await this.sweepIn(term, sinceLastMs);
  }

  private async sweepIn(term: RoleTerm, sinceLastMs: number): Promise<boolean> {
    const { sweep, metrics, task } = this.options;
    const end = metrics.startSweep();
    const turn = task.begin();
    try {
      const hasMore = await sweep.run(term, sinceLastMs, turn.progress);
      end('done');
      turn.succeeded();
      return hasMore;
    } catch (error) {
      end('failed');
      // Another node does it now, or none needs to.
      if (this.ending.signal.aborted || error instanceof TermEndedError) turn.dropped();
      else turn.failed(error);
      return false;
    }
  }
}
