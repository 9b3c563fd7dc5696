import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Logger } from '@nestjs/common';
import { memoryShares } from '@coordination/config';
import { Metrics } from '@coordination/observability';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { TestClock } from '../../../../test/support/nodes/background-tasks.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { LiveHeap } from './live-heap.js';
import { MemoryBudget } from './memory-budget.js';

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;

describe('the memory budget', () => {
  const shares = memoryShares({ PCS_MEMORY_BUDGET_MB: 512 });
  const heap = { bytes: 0, limitBytes: 400 * MIB };
  let clock: TestClock;
  let metrics: Metrics;
  let budget: MemoryBudget;
  let warnings: MockInstance<Logger['warn']>;
  let infos: MockInstance<Logger['log']>;

  beforeEach(() => {
    heap.bytes = 0;
    clock = new TestClock();
    metrics = new Metrics();
    budget = new MemoryBudget(shares, heap as LiveHeap, clock, metrics);
    warnings = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    infos = vi.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
  });
  afterEach(() => vi.restoreAllMocks());

  it('has nothing to say while the catalog fits into its share, up to the last byte', () => {
    budget.reportCatalog(shares.catalog);
    expect(budget.complaint).toBeUndefined();
    expect(warnings).not.toHaveBeenCalled();
  });

  it('names what a catalog takes that does not fit, and a budget with which it would', () => {
    budget.reportCatalog(shares.catalog + 1);
    const wanted = Number(/Give each node (\d+) MiB/.exec(budget.complaint ?? '')?.[1]);
    expect(memoryShares({ PCS_MEMORY_BUDGET_MB: wanted }).catalog).toBeGreaterThanOrEqual(shares.catalog + 1);
    expect(memoryShares({ PCS_MEMORY_BUDGET_MB: wanted - 1 }).catalog).toBeLessThan(shares.catalog + 1);
    expect(budget.complaint).toContain('PCS_MEMORY_BUDGET_MB');
  });

  it('also notices a heap that is full of something else', () => {
    heap.bytes = 361 * MIB;
    budget.reportCatalog(1);
    expect(budget.complaint).toMatch(/Live objects take 361 of 400 MiB/);
    heap.bytes = 359 * MIB;
    expect(budget.complaint).toBeUndefined();
  });

  it('writes one line an hour while it does not suffice, and one when it does again', () => {
    for (let minute = 0; minute < 121; minute++) {
      budget.reportCatalog(shares.catalog * 2);
      clock.pass(60_000);
    }
    expect(warnings).toHaveBeenCalledTimes(3);
    expect(infos).not.toHaveBeenCalled();
    budget.reportCatalog(1);
    budget.reportCatalog(1);
    expect(infos).toHaveBeenCalledTimes(1);
    budget.reportCatalog(shares.catalog * 2);
    expect(warnings, 'the next time is reported at once').toHaveBeenCalledTimes(4);
    clock.pass(HOUR_MS);
    budget.reportCatalog(shares.catalog * 2);
    expect(warnings).toHaveBeenCalledTimes(5);
  });

  it('shows its parts in metrics', async () => {
    heap.bytes = 7;
    budget.reportCatalog(11);
    const text = await metrics.text();
    for (const line of [
      `pcs_memory_budget_bytes ${512 * MIB}`,
      `pcs_memory_heap_limit_bytes ${400 * MIB}`,
      'pcs_memory_live_heap_bytes 7',
      'pcs_memory_catalog_bytes 11',
      `pcs_memory_catalog_share_bytes ${shares.catalog}`,
    ])
      expect(text).toContain(`\n${line}\n`);
  });
});

describe('the live heap', () => {
  it('is what a full collection leaves, and is not known before one', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heap = new LiveHeap();
    expect(heap.bytes).toBe(0);
    heap.onModuleInit();
    try {
      await waitFor('a full collection is noticed', () => {
        collect();
        return heap.bytes > 0;
      });
      expect(heap.bytes).toBeLessThan(heap.limitBytes);
      const kept = Array.from({ length: 500_000 }, (_, n) => [n + 0.5]);
      const before = heap.bytes;
      await waitFor('what is kept counts', () => {
        collect();
        return heap.bytes > before + 8 * kept.length;
      });
      expect(kept).toHaveLength(500_000);
    } finally {
      heap.onApplicationShutdown();
    }
  });
});
