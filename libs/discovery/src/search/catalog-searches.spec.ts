import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CatalogView, type InstanceRecord, isInScope } from '@coordination/catalog';
import { CatalogState } from '@coordination/catalog/testing';
import { InvalidCursorError, newId, StaleViewError, StartingError } from '@coordination/kernel';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { nastyMetadata, someExpression } from '../../../../test/support/laws/arbitrary-expressions.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { loggedView } from '../../../../test/support/search/logged-view.js';
import { aSearch, clockOfLooks, searchedView } from '../../../../test/support/search/searched-view.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { EVENTUAL } from '../freshness/read-consistency.js';
import { type Expression } from '../selection/expression.js';
import { EVERYTHING, matcher } from '../selection/selection.js';
import { type CatalogSearch, SEARCH_ORDERS, SEARCH_SORTS } from './catalog-search.js';

const LIMITS = { pageSteps: 1_000_000, listSteps: 1_000_000 };

function setUp(options: Parameters<typeof searchedView>[1] = {}) {
  const logged = loggedView();
  return { ...logged, ...searchedView(logged.view, options) };
}

/** What PostgreSQL's `order by` says with the collation "C", written as plainly as possible. */
function inOrder(records: readonly InstanceRecord[], { sort, order }: Pick<CatalogSearch, 'sort' | 'order'>) {
  const keyOf = (record: InstanceRecord): readonly string[] =>
    sort === 'service' ? [record.namespace, record.service, record.instanceId] : [record[sort], record.id];
  const compare = (a: InstanceRecord, b: InstanceRecord) => {
    const [these, those] = [keyOf(a), keyOf(b)];
    const n = these.findIndex((text, index) => text !== those[index]);
    return n === -1 ? 0 : Buffer.compare(Buffer.from(these[n]!), Buffer.from(those[n]!));
  };
  const sorted = records.toSorted(compare);
  return order === 'asc' ? sorted : sorted.reverse();
}

const expected = (records: readonly InstanceRecord[], search: CatalogSearch) =>
  inOrder(records.filter(record => isInScope(search, record)).filter(matcher(search.selection)), search);

/** Names that locales sort in another way than bytes do. */
const IDS = [
  'a',
  'A',
  'B',
  'b',
  'a-1',
  'a.1',
  'a_1',
  'a1',
  'a:1',
  'a@1',
  'Z',
  '_',
  '-',
  '.',
  '0',
  '10',
  '9',
  '[::1]:80',
];

const someInstance = fc.record({
  namespace: fc.constantFrom('default', 'shop', 'shop-1', 'a'),
  service: fc.constantFrom('orders', 'orders-1', 'orders.1', 'orders_1', 'orders1', 'mail'),
  instanceId: fc.constantFrom(...IDS),
  registeredAt: fc.constantFrom(NOW, '2025-12-31T23:59:59.999Z'),
  updatedAt: fc.constantFrom(NOW, '2026-01-01T00:10:00.001Z', '2026-02-01T00:00:00.000Z'),
  metadata: nastyMetadata,
});

const someChange = fc.oneof(
  { weight: 3, arbitrary: someInstance.map(fields => ({ kind: 'put' as const, fields })) },
  { weight: 1, arbitrary: fc.nat().map(n => ({ kind: 'remove' as const, n })) },
);

type SomeChange = typeof someChange extends fc.Arbitrary<infer Change> ? Change : never;

function apply({ log, put, remove }: ReturnType<typeof setUp>, change: SomeChange): void {
  const records = [...log.instances.values()];
  if (change.kind === 'remove') {
    if (records.length > 0) remove(records[change.n % records.length]!.id);
    return;
  }
  const { namespace, service, instanceId } = change.fields;
  const known = records.find(
    it => it.namespace === namespace && it.service === service && it.instanceId === instanceId,
  );
  // The time of the registration stays.
  put(anInstance({ ...change.fields, ...(known && { id: known.id, registeredAt: known.registeredAt }) }));
}

const someSearch: fc.Arbitrary<Partial<CatalogSearch>> = fc.record({
  namespace: fc.constantFrom(null, null, 'default', 'shop', 'nowhere'),
  service: fc.constantFrom(null, null, 'orders', 'orders-1', 'nothing'),
  sort: fc.constantFrom(...SEARCH_SORTS),
  order: fc.constantFrom(...SEARCH_ORDERS),
  limit: fc.integer({ min: 1, max: 12 }),
  selection: fc.oneof(
    { weight: 2, arbitrary: fc.constant(EVERYTHING) },
    { weight: 1, arbitrary: someExpression.map(where => ({ ...EVERYTHING, where })) },
  ),
});

const matching = (of: 'service' | 'instanceId' | 'host', pattern: string) => ({
  selection: { ...EVERYTHING, where: { kind: 'matches', of: [of], pattern } satisfies Expression },
});

const idsOf = (records: readonly InstanceRecord[]) => records.map(({ id }) => id);

describe('a search', () => {
  it('shows what a plain reference does, in its order, page by page', async () => {
    const some = fc.array(someChange, { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(some, fc.array(someSearch, { minLength: 1, maxLength: 4 }), async (changes, searches) => {
        const catalog = setUp();
        for (const change of changes) apply(catalog, change);
        for (const differing of searches) {
          const pages = await catalog.walk(differing);
          const { limit } = aSearch(differing);
          for (const { items } of pages.slice(0, -1)) expect(items).toHaveLength(limit);
          const records = [...catalog.log.instances.values()];
          expect(pages.flatMap(({ items }) => items)).toEqual(expected(records, aSearch(differing)));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('shows one state of the catalog on each page, however it changes while the page is made', async () => {
    const some = fc.array(someChange, { minLength: 10, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(some, some, someSearch, async (before, during, differing) => {
        const catalog = setUp({ clock: clockOfLooks(2) });
        for (const change of before) apply(catalog, change);
        let isDone = false;
        const search = { ...differing, limit: 1_000 };
        const pending = catalog.page(search).finally(() => (isDone = true));
        for (const change of during) {
          if (isDone) break;
          apply(catalog, change);
          await setImmediate();
        }
        const { revision, items } = await pending;
        expect(items).toEqual(expected(catalog.states.get(revision)!, aSearch(search)));
      }),
      { numRuns: 100 },
    );
  });

  it.each(SEARCH_SORTS.flatMap(sort => SEARCH_ORDERS.map(order => ({ sort, order }))))(
    'by $sort $order finds what stays in place exactly once, whatever else changes between the pages',
    async ({ sort, order }) => {
      const some = fc.array(someChange, { minLength: 3, maxLength: 10 });
      await fc.assert(
        fc.asyncProperty(
          fc.array(some, { minLength: 3, maxLength: 12 }),
          fc.integer({ min: 1, max: 5 }),
          async (rounds, limit) => {
            const catalog = setUp();
            for (const change of rounds.flat()) apply(catalog, change);
            const untouched = new Map(catalog.log.instances);
            let round = 0;
            const pages = await catalog.walk({ sort, order, limit }, ({ items }) => {
              // The instance that the cursor names leaves first.
              const last = items.at(-1);
              if (last && round % 2 === 0) catalog.remove(last.id);
              for (const change of rounds[round++] ?? []) apply(catalog, change);
              for (const [id, record] of untouched) {
                if (catalog.log.instances.get(id) !== record) untouched.delete(id);
              }
            });
            const seen = pages.flatMap(({ items }) => items);
            const seenUntouched = seen.filter(({ id }) => untouched.has(id));
            expect(seenUntouched).toEqual(inOrder([...untouched.values()], { sort, order }));
            if (sort !== 'updatedAt') expect(new Set(idsOf(seen)).size, 'none twice').toBe(seen.length);
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it.each(['registeredAt', 'updatedAt'] as const)('by %s walks over more equal times than a page has', async sort => {
    const { put, walk, log } = setUp();
    for (let n = 0; n < 1_001; n++) put(anInstance({ instanceId: `i-${n}`, id: newId() }));
    for (const order of SEARCH_ORDERS) {
      const pages = await walk({ sort, order, limit: 1_000 });
      expect(pages.map(({ items }) => items.length)).toEqual([1_000, 1]);
      expect(idsOf(pages.flatMap(({ items }) => items))).toEqual(
        idsOf(inOrder([...log.instances.values()], { sort, order })),
      );
    }
  });

  it('ends with a page that is exactly full, and shows an empty catalog as empty', async () => {
    const { put, page } = setUp();
    expect(await page()).toEqual({ revision: 0, items: [], nextCursor: null });
    for (const instanceId of ['1', '2', '3', '4']) put(anInstance({ instanceId }));
    const first = await page({ limit: 2 });
    const second = await page({ limit: 2, cursor: first.nextCursor! });
    expect(second.items.map(it => it.instanceId)).toEqual(['3', '4']);
    expect(second.nextCursor).toBeNull();
    expect(await page({ namespace: 'nowhere' })).toMatchObject({ items: [], nextCursor: null });
  });

  it('continues after a cursor whose instance, and whose whole service, is no longer there', async () => {
    const { put, remove, page, log } = setUp();
    for (const service of ['a', 'b', 'c']) put(anInstance({ service }));
    const first = await page({ limit: 2 });
    for (const { id } of first.items) remove(id);
    const second = await page({ limit: 2, cursor: first.nextCursor! });
    expect(second.items).toEqual([...log.instances.values()]);
  });

  it('accepts cursors that PostgreSQL answered in earlier versions, and those of no other search', async () => {
    const { put, page } = setUp();
    const id = '0199a111-1111-7000-8000-000000000001';
    put(anInstance({ instanceId: 'i-1', id }));
    put(anInstance({ instanceId: 'i-2', id: '0199a111-1111-7000-8000-000000000002' }));
    const { nextCursor } = await page({ limit: 1, sort: 'updatedAt' });
    const plain = JSON.parse(Buffer.from(nextCursor!, 'base64url').toString()) as { of: string; after: string[] };
    expect(plain.after).toEqual(['2026-01-01T00:00:00.000Z', id]);
    const upper = { ...plain, after: [plain.after[0], id.toUpperCase()] };
    const cursor = Buffer.from(JSON.stringify(upper)).toString('base64url');
    expect((await page({ sort: 'updatedAt', cursor })).items.map(it => it.instanceId)).toEqual(['i-2']);
    for (const other of [
      { sort: 'registeredAt' },
      { sort: 'updatedAt', order: 'desc' },
      { service: 'orders' },
    ] as const) {
      await expect(page({ ...other, cursor: nextCursor! })).rejects.toThrow(InvalidCursorError);
    }
  });

  it('searches nothing for a client that has the page of this state', async () => {
    const { put, searches, orders } = setUp();
    put(anInstance());
    const { body, catalog } = await searches.page(aSearch(), ({ revision }) => revision === 1, EVENTUAL);
    expect(body).toBeUndefined();
    expect(catalog.revision).toBe(1);
    expect(orders.kept, 'no order was made for it').toEqual([]);
  });
});

/** The lengths of the pages of a search with a pattern, by a clock of this speed. */
async function pagesOf(msPerLook: number): Promise<number[]> {
  const { put, walk } = setUp({ clock: clockOfLooks(msPerLook), limits: { ...LIMITS, pageSteps: 200 } });
  for (let n = 0; n < 200; n++) put(anInstance({ instanceId: `i-${n}` }));
  const pages = await walk({ limit: 10, ...matching('instanceId', '[05]$') });
  expect(pages.flatMap(({ items }) => items)).toHaveLength(40);
  return pages.map(({ items }) => items.length);
}

const megabyte = (n: number) => ({ text: 'ä'.repeat(512 * 1024), n });

describe('the length of a page', () => {
  it('is bounded by bytes, too', async () => {
    const { put, walk, log } = setUp();
    for (let n = 0; n < 9; n++) put(anInstance({ instanceId: `i-${n}`, metadata: megabyte(n) }));
    const pages = await walk({ limit: 1_000 });
    // An instance has a little more than a megabyte in UTF-8, and half as many characters.
    expect(pages.map(({ items }) => items.length)).toEqual([4, 4, 1]);
    expect(pages.flatMap(({ items }) => items)).toEqual(inOrder([...log.instances.values()], aSearch()));
  });

  it('with patterns is bounded by their steps, whatever the machine does', async () => {
    const quick = await pagesOf(0);
    expect(quick.length, 'so that there are short pages').toBeGreaterThan(5);
    expect(await pagesOf(1_000_000)).toEqual(quick);
  });

  it('with patterns is not bounded by instances that have a text that was tried before', async () => {
    const { put, page } = setUp({ limits: { ...LIMITS, pageSteps: 1_000 } });
    for (let n = 0; n < 500; n++) put(anInstance({ instanceId: `i-${n}`, host: `10.0.0.${n % 3}` }));
    expect(await page(matching('host', 'nothing'))).toMatchObject({ items: [], nextCursor: null });
  });

  it('with patterns always makes progress', async () => {
    const { put, walk } = setUp({ limits: { ...LIMITS, pageSteps: 1 } });
    for (let n = 0; n < 5; n++) put(anInstance({ instanceId: `i-${n}` }));
    const pages = await walk(matching('instanceId', '4$'));
    expect(pages.flatMap(({ items }) => items.map(it => it.instanceId))).toEqual(['i-4']);
  });
});

describe('a search on a view', () => {
  it('that is not loaded, or stale, is refused and never empty', async () => {
    let time = 0;
    const clock = { now: () => new Date(NOW), monotonicMs: () => time };
    const view = new CatalogView(clock, { stalenessLimitSeconds: 10 });
    const { page, services } = searchedView(view);
    const filtered = { ...EVERYTHING, statuses: ['healthy'] } as const;
    await expect(page()).rejects.toThrow(StartingError);
    await expect(services.list('default', filtered, EVENTUAL)).rejects.toThrow(StartingError);
    view.replace({ head: new LogInMemory().head, state: new CatalogState(), sentAtMs: 0 });
    await expect(page()).resolves.toMatchObject({ items: [] });
    time = 10_001;
    await expect(page()).rejects.toThrow(StaleViewError);
    await expect(services.list('default', filtered, EVENTUAL)).rejects.toThrow(StaleViewError);
  });

  it('that is loaded again meanwhile shows the catalog before or after, and never a part of it', async () => {
    const { put, page, load, log } = setUp({ clock: clockOfLooks(1) });
    for (let n = 0; n < 300; n++) put(anInstance({ instanceId: `i-${n}` }));
    const before = inOrder([...log.instances.values()], aSearch());
    const pending = page({ limit: 1_000 });
    await setImmediate();
    log.instances.delete(before[0]!.id);
    for (let n = 0; n < 5; n++) {
      load();
      await setImmediate();
    }
    const { items } = await pending;
    expect([before, before.slice(1)]).toContainEqual(items);
    expect((await page({ limit: 1_000 })).items).toEqual(before.slice(1));
  });

  it('ends when its caller is gone', async () => {
    const { put, page } = setUp({ clock: clockOfLooks(1) });
    for (let n = 0; n < 1_000; n++) put(anInstance({ instanceId: `i-${n}` }));
    const caller = new AbortController();
    const pending = page({}, { ...EVENTUAL, signal: caller.signal });
    caller.abort(new Error('gone'));
    await expect(pending).rejects.toThrow('gone');
  });

  it('that lags waits for the revision that is required', async () => {
    const { log, view, page } = setUp();
    const event = log.put(anInstance());
    const pending = page({}, { ...EVENTUAL, minRevision: 1 });
    await waitFor('the search to wait', () => view.waiting === 1);
    view.apply([event]);
    expect((await pending).items).toHaveLength(1);
  });
});
