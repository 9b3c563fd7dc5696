import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Clock, repeat } from '@coordination/kernel';
import { TermEndedError } from '@coordination/registry';
import { type RoleElector } from '../roles/role-elector.job.js';
import { type LeaseSweep } from './lease-sweep.js';
import { type SweepMetrics } from './sweep-metrics.js';

/** The role of the node that ends leases. */
export const SWEEPER_ROLE = 'sweeper';

const EVERY_MS = 1_000;

export interface SweeperOptions {
  readonly elector: RoleElector;
  readonly sweep: LeaseSweep;
  readonly metrics: SweepMetrics;
  readonly clock: Clock;
  /** Resolves when the tables are there. */
  readonly ready: Promise<unknown>;
}

/** Ends leases about once a second, on the node that has the role. */
export class SweeperJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Liveness');
  private readonly ending = new AbortController();
  private lastAt: number | undefined;
  private said = '';

  constructor(private readonly options: SweeperOptions) {}

  onApplicationBootstrap(): void {
    const { signal } = this.ending;
    const turn = async () => ((await this.sweep()) ? 0 : undefined);
    void this.options.ready.then(() => repeat(turn, { everyMs: EVERY_MS, signal }));
  }

  onModuleDestroy(): void {
    this.ending.abort();
  }

  /** @returns whether there is more that can be ended at once */
  private async sweep(): Promise<boolean> {
    const { elector, sweep, metrics, clock } = this.options;
    const { term } = elector;
    if (!term) {
      this.lastAt = undefined;
      return false;
    }
    const startedAt = clock.monotonicMs();
    const sinceLastMs = startedAt - (this.lastAt ?? startedAt);
    this.lastAt = startedAt;
    const end = metrics.startSweep();
    try {
      const hasMore = await sweep.run(term, sinceLastMs);
      end('done');
      this.said = '';
      return hasMore;
    } catch (error) {
      end('failed');
      this.say(error);
      return false;
    }
  }

  /** Once, and not each second as long as it is the same. */
  private say(error: unknown): void {
    const text = String(error);
    if (this.ending.signal.aborted || error instanceof TermEndedError || text === this.said) return;
    this.said = text;
    this.logger.warn(`Leases that are over could not be ended, trying again: ${text}`);
  }
}
