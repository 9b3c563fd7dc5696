import { Inject, Injectable, Logger } from '@nestjs/common';
import { budgetFor, memoryShares, type MemoryShares, type Settings } from '@coordination/config';
import { Clock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { LiveHeap } from './live-heap.js';

const MIB = 1024 * 1024;

/** While the memory does not suffice, a log line says so at most once in this time (ms). */
const LOG_EVERY_MS = 3_600_000;

/** Share of the heap's limit that live objects may have. With more, V8 collects garbage nearly all the time. */
const FULL_HEAP = 0.9;

/** How the memory budget of the service is divided. */
export const memoryBudgetShares = (settings: Settings): MemoryShares => memoryShares(settings);

/** The memory of this node, for `/health`. */
export interface MemoryState {
  readonly budgetBytes: number;
  readonly heapLimitBytes: number;
  /** Live objects in the heap after the last full garbage collection; 0: there was none yet. */
  readonly liveHeapBytes: number;
  /** What the catalog takes, as estimated, and what the budget leaves for it. */
  readonly catalogBytes: number;
  readonly catalogShareBytes: number;
}

/**
 * Compares what the catalog takes with what the memory budget leaves for it. A catalog that outgrows its share is reported by
 * `/health`, metrics and the log, but never refused: an instance that cannot be found is worse than a node that needs more
 * memory. The other shares are bounds that those who keep something observe.
 */
@Injectable()
export class MemoryBudget {
  private readonly logger = new Logger('Memory');
  private catalogBytes = 0;
  private loggedAtMs: number | undefined;

  constructor(
    @Inject(memoryBudgetShares) private readonly shares: MemoryShares,
    private readonly heap: LiveHeap,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    const gauge = (name: string, help: string, read: (state: MemoryState) => number) =>
      metrics.observedGauge(name, help, () => read(this.state));
    gauge(
      'memory_budget_bytes',
      'The memory for all processes of the service (PCS_MEMORY_BUDGET_MB).',
      it => it.budgetBytes,
    );
    gauge('memory_heap_limit_bytes', 'The limit of the heap of V8.', it => it.heapLimitBytes);
    gauge('memory_live_heap_bytes', 'Live objects after the last full garbage collection.', it => it.liveHeapBytes);
    gauge('memory_catalog_bytes', 'The estimated memory of the catalog of this node.', it => it.catalogBytes);
    gauge('memory_catalog_share_bytes', 'What the memory budget leaves for the catalog.', it => it.catalogShareBytes);
  }

  get state(): MemoryState {
    return {
      budgetBytes: this.shares.budget,
      heapLimitBytes: this.heap.limitBytes,
      liveHeapBytes: this.heap.bytes,
      catalogBytes: this.catalogBytes,
      catalogShareBytes: this.shares.catalog,
    };
  }

  /** A message about what does not fit; undefined: everything does. */
  get complaint(): string | undefined {
    const { catalogBytes, catalogShareBytes, budgetBytes, liveHeapBytes, heapLimitBytes } = this.state;
    if (catalogBytes > catalogShareBytes) {
      return (
        `The catalog takes about ${inMib(catalogBytes)} MiB, and the memory budget of ${inMib(budgetBytes)} MiB leaves ${inMib(catalogShareBytes)} MiB for it. ` +
        `Give each node ${budgetFor(catalogBytes)} MiB (PCS_MEMORY_BUDGET_MB, and the memory limit of the container), before its heap is full and the node ends.`
      );
    }
    if (liveHeapBytes > heapLimitBytes * FULL_HEAP) {
      return (
        `Live objects take ${inMib(liveHeapBytes)} of ${inMib(heapLimitBytes)} MiB of the heap, so the node spends much of its time on garbage collection. ` +
        'Raise PCS_MEMORY_BUDGET_MB, and the memory limit of the container, before the heap is full and the node ends.'
      );
    }
    return undefined;
  }

  /** Must be called from time to time with the estimated size of the catalog. Logs when it does not fit, and when it fits again. */
  reportCatalog(bytes: number): void {
    this.catalogBytes = bytes;
    const { complaint } = this;
    const now = this.clock.monotonicMs();
    if (complaint === undefined) {
      if (this.loggedAtMs !== undefined) this.logger.log('The memory budget suffices again.');
      this.loggedAtMs = undefined;
      return;
    }
    if (this.loggedAtMs !== undefined && now - this.loggedAtMs < LOG_EVERY_MS) return;
    this.loggedAtMs = now;
    this.logger.warn(complaint);
  }
}

const inMib = (bytes: number): number => Math.ceil(bytes / MIB);
