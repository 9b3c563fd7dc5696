import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CatalogView, type InstanceRecord } from '@coordination/catalog';
import { systemClock } from '@coordination/kernel';
import { Scheduler } from '@coordination/scheduling';
import { anInstance } from '../../../../../test/support/catalog/factories.js';
import { waitFor } from '../../../../../test/support/time/wait-for.js';
import { loggedView } from '../../../../../test/support/search/logged-view.js';
import { clockOfLooks } from '../../../../../test/support/search/searched-view.js';
import { SEARCH_SORTS, type SearchSort } from '../catalog-search.js';
import { InstanceOrders } from './instance-orders.js';
import { SORT_KEYS } from './sort-keys.js';
import { type SortedWalk } from './sorted-buckets.js';

const EVERYWHERE = { namespace: null, service: null, order: 'asc' } as const;

/** @param madeAfterLoad the orders that are made after each load: none, or those of the service (`as usual`) */
function setUp(clock = systemClock, madeAfterLoad: 'none' | 'as usual' = 'none') {
  const { log, view, load } = loggedView();
  const scheduler = new Scheduler(clock);
  const orders = new InstanceOrders(view, scheduler, madeAfterLoad === 'none' ? [] : undefined);
  /** What a search reads that waits for the order. */
  const read = (sort: SearchSort) =>
    orders.read({ ...EVERYWHERE, sort }, undefined, {
      turn: scheduler.begin({ workClass: 'heavy' }),
      read: ({ records }) => [restOf(records), inView(view, sort)] as const,
    });
  const prepare = async (sort: SearchSort) => void (await read(sort));
  return { log, view, load, orders, read, prepare };
}

/** What an order has; undefined while it is not complete. */
function recordsOf(orders: InstanceOrders, sort: SearchSort): InstanceRecord[] | undefined {
  const walk = orders.walk({ ...EVERYWHERE, sort });
  return walk && restOf(walk.records);
}

function restOf(walk: SortedWalk<InstanceRecord>): InstanceRecord[] {
  const found: InstanceRecord[] = [];
  for (let record = walk.next(); record; record = walk.next()) found.push(record);
  return found;
}

const inView = (view: CatalogView, sort: SearchSort) => [...view.instancesIn(EVERYWHERE)].sort(SORT_KEYS[sort].compare);

const TIMES = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.001Z', '2026-01-02T00:00:00.000Z'] as const;

const someChange = fc.record({
  kind: fc.constantFrom('put', 'put', 'remove', 'again' as const),
  namespace: fc.constantFrom('a', 'b'),
  service: fc.constantFrom('s', 't', 's-1'),
  instanceId: fc.constantFrom('1', '2', 'A', 'a', '[::1]:80'),
  registeredAt: fc.constantFrom(...TIMES),
  updatedAt: fc.constantFrom(...TIMES),
});

type SomeChange = typeof someChange extends fc.Arbitrary<infer Change> ? Change : never;

/** Applies a change to the view: a new or changed instance, its removal, or another instance under its name. */
function apply({ log, view }: ReturnType<typeof setUp>, { kind, ...fields }: SomeChange): void {
  const known = [...log.instances.values()].find(
    ({ namespace, service, instanceId }) =>
      namespace === fields.namespace && service === fields.service && instanceId === fields.instanceId,
  );
  if (kind === 'put') view.apply([log.put(anInstance({ ...known, ...fields }))]);
  if (kind === 'remove' && known) view.apply([log.remove(known.id)]);
  if (kind === 'again' && known) {
    // Without an event that removes the first one, which no node writes; the view must not show both.
    log.instances.delete(known.id);
    view.apply([log.put(anInstance(fields))]);
  }
}

describe('orders of instances', () => {
  it('have what the view has, whatever happens before, while and after they are made', async () => {
    const some = fc.array(someChange, { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(some, some, some, async (before, during, after) => {
        const catalog = setUp(clockOfLooks(1));
        for (const change of before) apply(catalog, change);
        const ready = Promise.all(SEARCH_SORTS.map(sort => catalog.prepare(sort)));
        for (const change of during) {
          apply(catalog, change);
          await setImmediate();
        }
        await ready;
        const expectSame = () => {
          for (const sort of SEARCH_SORTS) {
            expect(recordsOf(catalog.orders, sort), sort).toEqual(inView(catalog.view, sort));
          }
        };
        expectSame();
        for (const change of after) apply(catalog, change);
        expectSame();
      }),
      { numRuns: 50 },
    );
  });

  it('are made when they are first asked for, and once for all who ask', async () => {
    const { log, view, orders, prepare } = setUp();
    view.apply([log.put(anInstance())]);
    expect(orders.walk({ ...EVERYWHERE, sort: 'updatedAt' })).toBeUndefined();
    await Promise.all([prepare('updatedAt'), prepare('updatedAt')]);
    expect(orders.kept).toEqual(['updatedAt']);
    expect(recordsOf(orders, 'service')).toBeUndefined();
  });

  it('are dropped when the view is loaded again, also while they are made, and made anew from what was loaded', async () => {
    const { log, view, load, orders, prepare } = setUp(clockOfLooks(1));
    for (let n = 0; n < 50; n++) view.apply([log.put(anInstance({ instanceId: `i-${n}` }))]);
    await prepare('service');
    const early = prepare('registeredAt');
    await setImmediate();
    const [lost] = log.instances.keys();
    log.instances.delete(lost!);
    load();
    expect(orders.kept).toEqual([]);
    await early;
    await Promise.all([prepare('service'), prepare('registeredAt')]);
    expect(recordsOf(orders, 'service')).toHaveLength(49);
    expect(recordsOf(orders, 'registeredAt')).toEqual(inView(view, 'registeredAt'));
  });

  it('by name are made when the view has been loaded, and dropped if nobody searches while very many changes come', async () => {
    const { log, view, load, orders } = setUp(clockOfLooks(1), 'as usual');
    const inOrder = () => recordsOf(orders, 'service');
    for (let n = 0; n < 50; n++) log.put(anInstance({ instanceId: `i-${n}` }));
    load();
    // Loaded again while the order of what was there before is made.
    await setImmediate();
    const record = anInstance({ instanceId: 'later' });
    log.put(record);
    load();
    await waitFor('the order is made', () => orders.kept.length > 0);
    expect(orders.kept).toEqual(['service']);
    for (let n = 1; n <= 5_001; n++) view.apply([log.put({ ...record, weight: n })]);
    expect(orders.kept, 'it costs a node that is never searched').toEqual([]);
    load();
    await waitFor('the order is made again', () => orders.kept.length > 0);
    view.apply([log.put(anInstance({ instanceId: 'last' }))]);
    expect(inOrder()).toHaveLength(52);
    expect(inOrder()).toEqual(inView(view, 'service'));
  });

  it('apply the changes since the last search before the next one', async () => {
    const catalog = setUp(clockOfLooks(1));
    const { log, view, orders, prepare } = catalog;
    const put = (n: number) => view.apply([log.put(anInstance({ instanceId: `i-${n}` }))]);
    for (let n = 0; n < 10; n++) put(n);
    await prepare('service');
    for (let n = 10; n < 300; n++) put(n);
    expect(recordsOf(orders, 'service'), 'too many to be applied at once').toBeUndefined();
    const prepared = prepare('service');
    await setImmediate();
    put(300);
    expect(recordsOf(orders, 'service'), 'while earlier changes are being applied').toBeUndefined();
    await prepared;
    expect(recordsOf(orders, 'service')).toEqual(inView(view, 'service'));
    expect(orders.kept).toEqual(['service']);
  });

  it('that are in use apply very many changes without a search; others are dropped then', async () => {
    const { log, view, orders, prepare } = setUp();
    const record = anInstance();
    const put = (weight: number) => view.apply([log.put({ ...record, weight })]);
    put(0);
    await prepare('service');
    for (let n = 1; n <= 5_001; n++) put(n);
    expect(orders.kept, 'it was used').toEqual(['service']);
    await waitFor('the changes to be applied', () => recordsOf(orders, 'service')?.[0]?.weight === 5_001);
    await waitFor('the order to be dropped', () => {
      for (let n = 0; n < 1_000; n++) put(n);
      return orders.kept.length === 0;
    });
    await prepare('service');
    expect(recordsOf(orders, 'service')).toEqual(inView(view, 'service'));
    for (let n = 0; n <= 100_000; n++) orders.changed(record, record);
    expect(orders.kept, 'more than can be applied').toEqual([]);
    await prepare('service');
    expect(recordsOf(orders, 'service')).toEqual(inView(view, 'service'));
  });

  it('are read at the moment when they are ready, although more changes come with each turn of the loop', async () => {
    const { log, view, orders, read } = setUp();
    const record = anInstance();
    view.apply([log.put(record)]);
    const reading = { isOver: false };
    const writing = (async () => {
      // More than a search applies at once, and so many turns only that the test ends in any case.
      for (let n = 0; !reading.isOver && n < 200; n++) {
        for (let m = 0; m < 101; m++) view.apply([log.put({ ...record, weight: n * 101 + m })]);
        await setImmediate();
      }
    })();
    const [records, inViewThen] = await read('service').finally(() => (reading.isOver = true));
    expect(records).toEqual(inViewThen);
    await writing;
    const failing = orders.read({ ...EVERYWHERE, sort: 'updatedAt' }, undefined, {
      turn: new Scheduler().begin({ workClass: 'heavy' }),
      read: () => {
        throw new Error('stale meanwhile');
      },
    });
    await expect(failing).rejects.toThrow('stale meanwhile');
  });

  it('outlive the beginning of an epoch, which changes no instance', async () => {
    const { log, view, orders, prepare } = setUp();
    view.apply([log.put(anInstance())]);
    await prepare('service');
    view.apply([log.beginEpoch(), log.put(anInstance({ instanceId: 'later' }))]);
    expect(recordsOf(orders, 'service')).toEqual(inView(view, 'service'));
    expect(recordsOf(orders, 'service')).toHaveLength(2);
  });

  it('are not needed for a small service, whose instances are sorted when they are asked for', () => {
    const { log, view, orders } = setUp();
    const put = (service: string, instanceId: string) =>
      view.apply([log.put(anInstance({ service, instanceId, updatedAt: TIMES[1] }))]);
    for (const [service, instanceId] of [
      ['orders', 'b'],
      ['orders', 'a'],
      ['mail', 'c'],
    ] as const)
      put(service, instanceId);
    const scope = { namespace: 'default', service: 'orders', sort: 'service' } as const;
    const idsOf = (order: 'asc' | 'desc', after?: string[]) => {
      const walk = orders.walk({ ...scope, order }, after)!.records;
      return [walk.next()?.instanceId, walk.next()?.instanceId, walk.next()?.instanceId];
    };
    expect(idsOf('asc')).toEqual(['a', 'b', undefined]);
    expect(idsOf('desc')).toEqual(['b', 'a', undefined]);
    expect(idsOf('asc', ['default', 'orders', 'a'])).toEqual(['b', undefined, undefined]);
    expect(orders.kept).toEqual([]);
    for (let n = 0; n < 1_000; n++) put('orders', `i-${n}`);
    expect(orders.walk({ ...scope, order: 'asc' }), 'too many to be sorted for each request').toBeUndefined();
  });
});
