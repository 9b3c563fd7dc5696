import { Injectable, Optional } from '@nestjs/common';
import { BackgroundTasks, PeriodicJob } from '@coordination/observability';
import { MemoryBudget, Scheduler } from '@coordination/scheduling';
import { CatalogView } from '../view/catalog-view.js';
import { heapSizeOf } from './heap-size.js';

/** How often the size is estimated, and how long to wait for the first load (ms). */
const EVERY_MS = 60_000;
const RETRY_MS = 1_000;

/** How many instances are measured; the others count as their average. */
const SAMPLES = 500;

/** Entries of the indexes for each instance (bytes), and a service without instances. */
const INDEX_BYTES = 120;
const EMPTY_SERVICE_BYTES = 250;

const EVERYTHING = { namespace: null, service: null };

/** Set by tests only. */
interface Pace {
  readonly everyMs?: number;
  readonly retryMs?: number;
}

/** Estimates how much memory the view takes, from a sample of its instances, and reports it to the memory budget. */
@Injectable()
export class CatalogSizeJob extends PeriodicJob {
  private readonly retryMs: number;

  constructor(
    private readonly view: CatalogView,
    private readonly budget: MemoryBudget,
    private readonly scheduler: Scheduler,
    tasks: BackgroundTasks,
    @Optional() { everyMs = EVERY_MS, retryMs = RETRY_MS }: Pace = {},
  ) {
    super({ task: tasks.task('memory-watch'), everyMs });
    this.retryMs = retryMs;
  }

  /** The estimated size (bytes) of the view in the heap. */
  async estimate(): Promise<number> {
    const { size, emptyServices } = this.view;
    const interval = Math.max(1, Math.floor(size / SAMPLES));
    const turn = this.scheduler.begin({ workClass: 'long' });
    await turn.next();
    let [seen, measured, bytes] = [0, 0, 0];
    for (const record of this.view.instancesIn(EVERYTHING)) {
      if (seen++ % interval !== 0) continue;
      if (turn.isOver) await turn.next();
      measured += 1;
      bytes += heapSizeOf(record) + INDEX_BYTES;
    }
    return Math.ceil(measured === 0 ? 0 : (bytes / measured) * size) + emptyServices * EMPTY_SERVICE_BYTES;
  }

  protected override async turn(): Promise<number | void> {
    if (!this.view.loaded) return this.retryMs;
    this.budget.reportCatalog(await this.estimate());
  }
}
