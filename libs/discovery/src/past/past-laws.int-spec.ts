import { CatalogHeadRepository, RevisionFinder } from '@coordination/log';
import { InvalidCursorError, InvalidFilterError } from '@coordination/kernel';
import { type InstanceRecord, STATUSES } from '@coordination/catalog';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { someExpression } from '../../../../test/support/laws/arbitrary-expressions.js';
import { writePast, type WrittenPast } from '../../../../test/support/laws/history-fixture.js';
import {
  type CatalogSearch,
  SEARCH_ORDERS,
  SEARCH_SORTS,
  type SearchOrder,
  type SearchSort,
} from '../search/catalog-search.js';
import { INSTANCE_FIELDS } from '../listing/instance-fields.js';
import { Listings } from '../listing/listings.js';
import { EVERYTHING, matcher, type Selection, USABLE } from '../selection/selection.js';
import { summarize } from '../summary/service-summary.js';
import { CachedJson } from '../responses/cached-json.js';
import { pastOf } from '../../../../test/support/catalog/past-of.js';
import { PAST_LIMITS } from './past-limits.js';
import { type PastDiscovery } from './past-discovery.service.js';
import { type PastFound } from './past-found.js';

let past: WrittenPast;
let discovery: PastDiscovery;

beforeAll(async () => {
  past = await writePast(20261125);
  const { databases } = past.author;
  discovery = pastOf(databases, new RevisionFinder(databases, new CatalogHeadRepository()));
});
afterAll(() => past.close());

const unknown = () => false;
const textOf = ({ body }: PastFound) => String(body!);
const jsonOf = (found: PastFound) => JSON.parse(textOf(found)) as unknown;

const someRevision = fc.nat().map(n => past.revisions[n % past.revisions.length]!);

const someSelection: fc.Arbitrary<Selection> = fc.record({
  statuses: fc.oneof(fc.constant('any' as const), fc.constant(USABLE), fc.subarray([...STATUSES], { minLength: 1 })),
  where: fc.option(someExpression, { freq: 4 }),
});

const someService = fc.record({
  namespace: fc.constantFrom('default', 'shop', 'nowhere'),
  service: fc.constantFrom('orders', 'billing', 'm-0', 'm-1', 'm', 'never'),
});

interface Page {
  readonly revision: number;
  readonly items: readonly InstanceRecord[];
  readonly nextCursor: string | null;
}

const aSearch = (differing: Partial<CatalogSearch> = {}): CatalogSearch => ({
  namespace: null,
  service: null,
  selection: EVERYTHING,
  sort: 'service',
  order: 'asc',
  limit: 1_000,
  cursor: undefined,
  ...differing,
});

/** All pages of a search. */
async function walk(asOf: { revision: number } | { time: string }, search: CatalogSearch): Promise<InstanceRecord[]> {
  const items: InstanceRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = jsonOf(await discovery.searchInstances(asOf, { ...search, cursor }, unknown)) as Page;
    expect(page.items.length).toBeLessThanOrEqual(search.limit);
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

const KEYS: Readonly<Record<SearchSort, (record: InstanceRecord) => readonly string[]>> = {
  service: ({ namespace, service, instanceId }) => [namespace, service, instanceId],
  registeredAt: ({ registeredAt, id }) => [registeredAt, id],
  updatedAt: ({ updatedAt, id }) => [updatedAt, id],
};

function inOrder(records: readonly InstanceRecord[], sort: SearchSort, order: SearchOrder): InstanceRecord[] {
  const keyOf = (record: InstanceRecord) => KEYS[sort](record).join('\n');
  const sorted = records.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return order === 'asc' ? sorted : sorted.toReversed();
}

describe('The catalog as of a revision', () => {
  it('is, service by service and to the byte, what the view answered then', async () => {
    const property = fc.asyncProperty(someRevision, someService, someSelection, async (revision, of, selection) => {
      const then = await new CachedJson(past.viewAt(revision)).instanceList(of.namespace, of.service, selection);
      const found = await discovery.listInstances({ revision }, of, selection, unknown);
      expect(textOf(found)).toBe(String(then.body));
      expect(found.catalog.revision).toBe(revision);
      expect(found.tag).toBe(`${found.catalog.epoch.slice(0, 8)}-${then.revision}`);
    });
    await fc.assert(property, { numRuns: 150, seed: 1 });
  });

  it('is that also in pages, of any members of the instances, wherever a page begins', async () => {
    const somePart = fc.record({
      limit: fc.constantFrom(1, 2, 7, 1_000),
      fields: fc.oneof(fc.constant(null), fc.subarray([...INSTANCE_FIELDS], { minLength: 1 })),
    });
    const someAfter = fc.option(fc.constantFrom('i-1', 'i-2-20261125', 'orders-1', 'a', 'z'), { nil: undefined });
    const some = fc.record({
      revision: someRevision,
      of: someService,
      selection: someSelection,
      part: somePart,
      after: someAfter,
    });
    const property = fc.asyncProperty(some, async ({ revision, of, selection, part, after }) => {
      const question = { ...of, selection, part };
      const view = past.viewAt(revision);
      const then = new CachedJson(view);
      const at = view.serviceRevision(of.namespace, of.service) ?? revision;
      const position = after === undefined ? undefined : { at, after };
      const found = await discovery.listInstances({ revision }, of, selection, unknown, {
        part,
        ...(position && { position }),
      });
      expect(textOf(found)).toBe(String((await then.listPart(question, after)).body));
      if (!position || at === 0) return;
      expect(textOf(await discovery.laterPage(question, position, unknown))).toBe(textOf(found));
    });
    await fc.assert(property, { numRuns: 150, seed: 5 });
  });

  it('is the fold of the log, for every search, in every order, on pages of any size', async () => {
    const some = fc.record({
      revision: someRevision,
      selection: someSelection,
      namespace: fc.constantFrom(null, 'default', 'shop', 'nowhere'),
      service: fc.option(fc.constantFrom('orders', 'm-0', 'never'), { freq: 3 }),
      sort: fc.constantFrom(...SEARCH_SORTS),
      order: fc.constantFrom(...SEARCH_ORDERS),
      limit: fc.constantFrom(1, 3, 10, 1_000),
    });
    const property = fc.asyncProperty(some, async ({ revision, ...search }) => {
      const { namespace, service, selection, sort, order } = search;
      const wanted = past
        .instancesAt(revision)
        .filter(record => namespace === null || record.namespace === namespace)
        .filter(record => service === null || record.service === service)
        .filter(matcher(selection));
      expect(await walk({ revision }, aSearch(search))).toEqual(inOrder(wanted, sort, order));
    });
    await fc.assert(property, { numRuns: 120, seed: 2 });
  });

  it('has the services of a namespace as the view summed them up', async () => {
    const someNamespace = fc.constantFrom('default', 'shop', 'nowhere');
    const property = fc.asyncProperty(someRevision, someNamespace, someSelection, async (at, namespace, selection) => {
      const view = past.viewAt(at);
      const whole = await discovery.listServices({ revision: at }, namespace, EVERYTHING, unknown);
      expect(textOf(whole)).toBe(String((await new CachedJson(view).serviceList(namespace)).body));

      const some = await discovery.listServices({ revision: at }, namespace, selection, unknown);
      const meant = past.instancesAt(at).filter(record => record.namespace === namespace && matcher(selection)(record));
      const services = [...Map.groupBy(meant, record => record.service)].map(([name, of]) => summarize(name, of));
      expect(jsonOf(some)).toEqual({
        revision: view.namespaceRevision(namespace) ?? at,
        services: services.sort((a, b) => (a.service < b.service ? -1 : 1)),
      });
    });
    await fc.assert(property, { numRuns: 60, seed: 3 });
  });

  it('is that of the last revision up to a time', async () => {
    const moments = fc.sample(fc.nat(), { numRuns: 20, seed: 4 }).map(n => past.events[n % past.events.length]!);
    for (const { at: time } of moments) {
      const { revision } = past.events.findLast(event => event.at <= time)!;
      const of = { namespace: 'default', service: 'm-1' };
      const byTime = await discovery.listInstances({ time }, of, EVERYTHING, unknown);
      const byRevision = await discovery.listInstances({ revision }, of, EVERYTHING, unknown);
      expect({ ...byTime, body: textOf(byTime), compressed: undefined }).toEqual({
        ...byRevision,
        body: textOf(byRevision),
        compressed: undefined,
      });
      expect(byTime.catalog.revision).toBe(revision);
      expect(await walk({ time }, aSearch({ limit: 7 }))).toEqual(await walk({ revision }, aSearch()));
    }
  });
});

describe('Pages of a service with more names in its past than may be scanned', () => {
  const limits = { ...PAST_LIMITS, whole: { instances: 2, milliseconds: 60_000 } };

  it('are refused, unless the node knows who is on them', async () => {
    const { databases } = past.author;
    const finder = new RevisionFinder(databases, new CatalogHeadRepository());
    const revision = past.revisions.at(-1)!;
    const view = past.viewAt(revision);
    const [service] = [...view.services('default').values()].toSorted((a, b) => b.instances.size - a.instances.size);
    const position = { at: service!.revision, after: '' };
    const part = { fields: null, limit: 1_000 };
    const question = { namespace: 'default', service: service!.service, selection: EVERYTHING, part };
    const listings = new Listings();
    const bounded = pastOf(databases, finder, { limits, listings });
    const refusal = bounded.laterPage(question, position, unknown);
    await expect(refusal).rejects.toThrow(InvalidFilterError);
    await expect(refusal).rejects.toMatchObject({ extras: { errors: [{ path: '/query/limit' }] } });

    const then = await new CachedJson(view, undefined, { listings }).listPart(question);
    expect(textOf(await bounded.laterPage(question, position, unknown))).toBe(String(then.body));
  });
});

const searchAt = async (revision: number, differing: Partial<CatalogSearch>) =>
  jsonOf(await discovery.searchInstances({ revision }, aSearch({ limit: 1, ...differing }), unknown)) as Page;

describe('A cursor of the past', () => {
  it('belongs to its revision, and to its search', async () => {
    const [now, before] = [past.revisions.at(-1)!, past.revisions.at(-2)!];
    for (const sort of SEARCH_SORTS) {
      const { nextCursor } = await searchAt(now, { sort });
      const cursor = nextCursor!;
      expect((await searchAt(now, { sort, cursor })).items).toHaveLength(1);
      for (const other of [
        () => searchAt(before, { sort, cursor }),
        () => searchAt(now, { sort, cursor, order: 'desc' }),
        () => searchAt(now, { sort, cursor, namespace: 'default' }),
        () => searchAt(now, { sort: sort === 'service' ? 'updatedAt' : 'service', cursor }),
      ]) {
        await expect(other()).rejects.toThrow(InvalidCursorError);
      }
    }
  });
});
