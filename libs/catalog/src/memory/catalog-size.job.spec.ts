import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Clock, newId, systemClock } from '@coordination/kernel';
import { Scheduler } from '@coordination/scheduling';
import { describe, expect, it } from 'vitest';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { someTasks } from '../../../../test/support/nodes/background-tasks.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { normalizeRecord } from '../tables/normalize-record.js';
import { CatalogState } from '../view/catalog-state.js';
import { CatalogView } from '../view/catalog-view.js';
import { CatalogSizeJob } from './catalog-size.job.js';
import { heapSizeOf } from './heap-size.js';

const clock: Clock = systemClock;

const viewOf = (state: CatalogState): CatalogView => {
  const view = new CatalogView(clock, { stalenessLimitSeconds: 600 });
  view.replace({ head: { revision: 1, hash: 'a'.repeat(64), epoch: newId() }, state, sentAtMs: 0 });
  return view;
};

function jobOn(view: CatalogView) {
  const reported: number[] = [];
  const budget = { reportCatalog: (bytes: number) => void reported.push(bytes) };
  const pace = { everyMs: 1, retryMs: 1 };
  type Parameters = ConstructorParameters<typeof CatalogSizeJob>;
  const tasks = someTasks() as Parameters[3];
  const job = new CatalogSizeJob(view, budget as Parameters[1], new Scheduler(clock), tasks, pace);
  return { job, reported };
}

/** What the parser makes of an instance: texts of its own, not those of the test. */
const stored = (fields: object) => normalizeRecord(JSON.parse(JSON.stringify(anInstance(fields))) as never);

const SHAPES: Readonly<Record<string, (n: number) => object>> = {
  plain: () => ({}),
  'with tags and small metadata': n => ({
    tags: ['blue', `t-${n % 7}`],
    metadata: { team: `team-${n % 50}`, build: `2026.${n}`, limits: { cpu: 2, memory: 1.5 } },
  }),
  'with large metadata': n => ({
    metadata: Object.fromEntries(
      Array.from({ length: 100 }, (_, key) => [`key-${key}`, `value ${key} of ${n} ${'y'.repeat(40)}`]),
    ),
  }),
};

describe('the estimated size of the catalog', () => {
  it.each(Object.entries(SHAPES))('is about what the heap grows by, for instances %s', async (_, shape) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const state = new CatalogState();
    // What tests before have left is garbage only after their last callbacks have run.
    await nextTurnOfLoop();
    collect();
    const before = process.memoryUsage().heapUsed;
    // So many that nothing else in this process counts beside them.
    for (let n = 0; n < 20_000; n++) {
      state.put(stored({ service: `s-${n % 800}`, instanceId: `instance-${n}`, ...shape(n) }));
    }
    collect();
    const real = process.memoryUsage().heapUsed - before;
    const estimate = await jobOn(viewOf(state)).job.estimate();
    // An estimate that is a little too large warns a little too early; half of the truth would warn too late.
    expect(estimate / real).toBeGreaterThan(0.7);
    expect(estimate / real).toBeLessThan(2.5);
  });

  it('counts every instance, though it measures only some, and services without instances', async () => {
    const state = new CatalogState();
    for (let n = 0; n < 1_100; n++) state.put(stored({ service: `s-${n}`, instanceId: 'instance' }));
    const one = await jobOn(viewOf(state)).job.estimate();
    expect(one / 1_100).toBeGreaterThan(heapSizeOf(stored({ service: 's-1', instanceId: 'instance' })) * 0.9);
    for (let n = 0; n < 100; n++) state.touch('default', `empty-${n}`, 1);
    expect(await jobOn(viewOf(state)).job.estimate()).toBeGreaterThan(one + 100 * 100);
  });

  it('of a catalog without instances is none', async () => {
    expect(await jobOn(viewOf(new CatalogState())).job.estimate()).toBe(0);
  });

  it('is reported again and again, but not before the catalog is loaded', async () => {
    const view = new CatalogView(clock, { stalenessLimitSeconds: 600 });
    const { job, reported } = jobOn(view);
    job.onApplicationBootstrap();
    for (let turns = 0; turns < 5; turns++) await new Promise(resolve => setTimeout(resolve));
    expect(reported).toEqual([]);
    const state = new CatalogState();
    state.put(anInstance());
    view.replace({ head: { revision: 1, hash: 'a'.repeat(64), epoch: newId() }, state, sentAtMs: 0 });
    await waitFor('it is reported twice', () => reported.length >= 2);
    await job.onModuleDestroy();
    expect(reported[0]).toBeGreaterThan(0);
  });
});

describe('the size of a value in the heap', () => {
  it.each<[unknown, number]>([
    [null, 0],
    [true, 0],
    [7, 0],
    [7.5, 16],
    [2 ** 40, 16],
    ['', 16],
    ['abc', 24],
    ['ä'.repeat(80), 96],
    ['€'.repeat(80), 176],
    [{}, 24],
    [{ a: 1 }, 40],
    [[], 40],
    [['abc', 'def'], 40 + 2 * (8 + 24)],
  ])('%j takes %i bytes', (value, bytes) => {
    expect(heapSizeOf(value)).toBe(bytes);
  });
});
