import { CatalogView, ChangeFeed, ReadBarrier } from '@coordination/catalog';
import { CatalogState } from '@coordination/catalog/testing';
import { type Clock, StaleViewError } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { describe, expect, it } from 'vitest';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { FreshReads } from './fresh-reads.js';
import { LongPolls } from './long-polls.js';
import { EVENTUAL } from './read-consistency.js';

function setUp() {
  let nowMs = 0;
  const clock: Clock = { now: () => new Date(NOW), monotonicMs: () => nowMs };
  const log = new LogInMemory();
  const view = new CatalogView(clock, { stalenessLimitSeconds: 600 });
  view.replace({ head: log.head, state: new CatalogState(), sentAtMs: 0 });
  const metrics = new Metrics();
  const readIndex = { current: () => Promise.resolve({ ...log.head, at: NOW }), queries: 0 };
  const barrier = new ReadBarrier(view, readIndex, clock, metrics);
  const feed = new ChangeFeed(view, { maxChanges: 100, maxBytes: 1_000_000 });
  const fresh = new FreshReads(
    view,
    barrier,
    new LongPolls(view, feed, new Scheduler(clock), { max: 100 }, metrics),
    clock,
  );
  const put = () => view.apply([log.put(anInstance({ instanceId: `i-${view.revision}` }))]);
  const at = () => ({ revision: view.revision, epoch: view.position!.epoch });
  return { view, fresh, put, at, pass: (ms: number) => (nowMs += ms) };
}

describe('a read whose result takes long to make', () => {
  it('tells the position at which it asked, if the result was made from an earlier one that shows the same', async () => {
    const { fresh, put, at } = setUp();
    put();
    const madeAt = at();
    put();
    const found = await fresh.fromView(EVENTUAL, async () => ({ what: 'a list', madeAt }));
    expect(found).toMatchObject({ what: 'a list', catalog: { revision: 2 } });
  });

  it('tells the position from which the result was made, if that is later, and how old it has become', async () => {
    const { fresh, put, at, pass } = setUp();
    put();
    pass(2_000);
    const made = Promise.withResolvers<void>();
    const found = fresh.fromView(EVENTUAL, async () => {
      await made.promise;
      return { madeAt: at() };
    });
    await new Promise(setImmediate);
    put();
    put();
    pass(3_000);
    made.resolve();
    expect((await found).catalog).toMatchObject({ revision: 3, stalenessSeconds: 5 });
    const strong = { ...EVENTUAL, isStrong: true };
    expect((await fresh.fromView(strong, async () => ({ madeAt: at() }))).catalog.stalenessSeconds).toBe(0);
  });

  it('is not answered at once', () => {
    const { fresh } = setUp();
    expect(fresh.atOnce(() => Promise.resolve({}))).toBeUndefined();
    expect(fresh.atOnce(() => ({ body: 'x' }))).toMatchObject({ body: 'x', catalog: { revision: 0 } });
  });

  it('is refused like any other before it begins', async () => {
    const { fresh, pass } = setUp();
    pass(601_000);
    let begun = 0;
    const read = fresh.fromView(EVENTUAL, () => ({ begun: (begun += 1) }));
    await expect(read).rejects.toThrow(StaleViewError);
    expect(begun).toBe(0);
  });
});
