import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CatalogHeadRepository } from '@coordination/log';
import { query } from '@coordination/database';
import {
  InvalidCursorError,
  InvalidFilterError,
  type JsonObject,
  type JsonValue,
  StoreUnavailableError,
} from '@coordination/kernel';
import {
  INSTANCE_TYPES,
  type InstanceRecord,
  OVERRIDE_STATUSES,
  STATUSES,
  toInstanceView,
} from '@coordination/catalog';
import { HEALTH_STATES } from '@coordination/catalog/testing';
import { CatalogAuthor } from '../../../../test/support/catalog/catalog-author.js';
import { nastyMetadata, someExpression } from '../../../../test/support/laws/arbitrary-expressions.js';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { HeadsOnStandby } from '../../../../test/support/database/standby.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { CatalogSearchRepository, searchStatement } from './catalog-search.repository.js';
import { type CatalogSearch, SEARCH_ORDERS, SEARCH_SORTS } from './catalog-search.js';
import { type Expression } from '../selection/expression.js';
import { containsJson } from '../selection/json-containment.js';
import { EVERYTHING, matcher, type Selection } from '../selection/selection.js';
import { addSelection, Conditions, DISTINCT_VERSIONS } from '../selection/selection-sql.js';
import { summarize } from '../summary/service-summary.js';

let database: TestDatabase;
let author: CatalogAuthor;
let catalog: CatalogSearchRepository;

const openDatabase = async () => {
  database = await createTestDatabase();
  author = await CatalogAuthor.open(database.url);
  catalog = new CatalogSearchRepository(author.databases, new CatalogHeadRepository());
};

const closeDatabase = async () => {
  await author.close();
  await database.drop();
};

const ask = <Row>(text: string, parameters: readonly unknown[] = []) =>
  query<Row>(author.databases.em('reads'), text, parameters);

const aSearch = (differing: Partial<CatalogSearch> = {}): CatalogSearch => ({
  namespace: 'default',
  service: null,
  selection: EVERYTHING,
  sort: 'service',
  order: 'asc',
  limit: 100,
  cursor: undefined,
  ...differing,
});

const search = async (differing: Partial<CatalogSearch> = {}) => {
  const { page, head } = await catalog.search(aSearch(differing), () => false);
  return { ...page!, head };
};

/** One of many instances of five services. */
const named = (n: number) => anInstance({ service: `s-${n % 5}`, instanceId: `i-${n}` });

/** A search for instances whose metadata contains this. */
const contained = (wanted: JsonObject) => selecting({ kind: 'within-metadata', wanted });

/** A search for what an expression says. */
const selecting = (where: Expression) => ({ selection: { ...EVERYTHING, where } });

/** A pattern that must match beside all else. */
const withPattern = (...terms: Expression[]): Expression => ({
  kind: 'and',
  terms: [...terms, { kind: 'matches', of: ['service'], pattern: '7$' }],
});

const inZone = (zone: string) => selecting({ kind: 'equal', of: ['zone'], anyOf: [zone] });

/** A cursor with any text in it. */
const forge = (text: string) => Buffer.from(text).toString('base64url');

const idsOf = (records: readonly { readonly id: string }[]) => records.map(({ id }) => id).sort();

/** JSON of few keys and values, so that one often contains the other; with all that may confuse. */
const someJson: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<JsonValue>(null, true, false, 0, 1, 1.5, -1, 1e21, '', '1', 'a', 'ä€😀', 'true'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', '', 'constructor', 'a"\\b'), tie('value'), { maxKeys: 3 }),
  ),
})).value;

const someObject = fc.dictionary(fc.constantFrom('a', 'b', 'tags', 'capabilities'), someJson, { maxKeys: 4 });

const someInstance: fc.Arbitrary<InstanceRecord> = fc
  .record({
    service: fc.constantFrom('orders', 'billing', 'mail'),
    type: fc.constantFrom(...INSTANCE_TYPES.slice(0, 3)),
    zone: fc.constantFrom(null, 'eu-1', 'eu-1a'),
    port: fc.constantFrom(80, 8080),
    weight: fc.constantFrom(0, 100),
    incarnation: fc.constantFrom(null, 'boot-1', 'boot-2'),
    incarnationNumber: fc.constantFrom(1, 2, 3),
    state: fc.constantFrom(...HEALTH_STATES),
    overridden: fc.option(fc.constantFrom(...OVERRIDE_STATUSES), { freq: 3 }),
    metadata: nastyMetadata,
  })
  .map(({ state, overridden, ...fields }) =>
    anInstance({
      ...fields,
      health: { state, failures: 0, output: '', decidedBy: 'report', since: NOW },
      override: overridden && { status: overridden, reason: null, until: null, setAt: NOW, setBy: 'somebody' },
    }),
  );

const someSelection: fc.Arbitrary<Selection> = fc.record({
  statuses: fc.oneof(
    { arbitrary: fc.constant('any' as const), weight: 3 },
    { arbitrary: fc.subarray([...STATUSES], { minLength: 1 }), weight: 1 },
  ),
  where: someExpression,
});

describe('the catalog in SQL and in memory', () => {
  let records: InstanceRecord[];

  beforeAll(async () => {
    await openDatabase();
    const samples = fc.sample(someInstance, { numRuns: 300, seed: 20261123 });
    const added = await author.add(...samples.map((it, n) => ({ ...it, instanceId: `i-${n}` })));
    records = added.map(toInstanceView);
  });

  afterAll(closeDatabase);

  it('mean the same by containment', async () => {
    const pairs = fc.array(fc.tuple(someObject, someObject), { minLength: 50, maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(pairs, async pairs => {
        const rows = await ask<{ contains: boolean }>(
          `select (p ->> 0)::jsonb @> (p ->> 1)::jsonb as contains
           from jsonb_array_elements($1::jsonb) with ordinality as pairs (p, n) order by n`,
          [JSON.stringify(pairs)],
        );
        expect(rows.map(row => row.contains)).toEqual(pairs.map(([have, want]) => containsJson(have, want)));
      }),
      { numRuns: 60 },
    );
  });

  it('select the same instances', async () => {
    await fc.assert(
      fc.asyncProperty(someSelection, async selection => {
        const { items } = await search({ selection, limit: 1_000 });
        expect(idsOf(items)).toEqual(idsOf(records.filter(matcher(selection))));
      }),
      { numRuns: 300 },
    );
  });

  it('need only the columns that expressions use, and exclude nothing that is selected', async () => {
    const relation = `(select namespace, service, instance_id, incarnation, incarnation_number, type, scheme, host, port,
      zone, weight, metadata, status
      from service_instance) i`;
    await fc.assert(
      fc.asyncProperty(someSelection, async selection => {
        const conditions = new Conditions();
        const isExact = addSelection(conditions, selection);
        const { where, parameters } = conditions;
        const rows = await ask<{ id: string }>(`select i.instance_id as id from ${relation} ${where}`, parameters);
        const selected = records.filter(matcher(selection)).map(it => it.instanceId);
        const found = rows.map(it => it.id);
        if (isExact) expect(found.sort()).toEqual(selected.sort());
        else expect(found).toEqual(expect.arrayContaining(selected));
      }),
      { numRuns: 100 },
    );
  });

  it('summarize services alike', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.constant(EVERYTHING), someSelection), async selection => {
        const selected = Map.groupBy(records.filter(matcher(selection)), ({ service }) => service);
        const expected = [...selected.keys()].sort().map(service => summarize(service, selected.get(service)!));
        const { services, head, revision } = await catalog.services('default', selection);
        expect(services).toEqual(expected);
        expect(revision).toBe(head.revision);
      }),
      { numRuns: 60 },
    );
  });

  it('return the same records', async () => {
    const { items, nextCursor, head } = await search({ limit: 1_000 });
    expect(new Map(items.map(it => [it.id, it]))).toEqual(new Map(records.map(it => [it.id, it])));
    expect(nextCursor).toBeNull();
    expect(head.revision).toBe(records.length);
  });

  it('have namespaces and services apart', async () => {
    const [elsewhere] = await author.add(anInstance({ namespace: 'shop', service: 'orders', instanceId: 'elsewhere' }));
    expect((await search({ namespace: 'shop' })).items).toEqual([elsewhere]);
    expect(idsOf((await search({ namespace: null, limit: 1_000 })).items)).toEqual(idsOf([...records, elsewhere!]));
    const orders = await search({ service: 'orders', limit: 1_000 });
    expect(idsOf(orders.items)).toEqual(idsOf(records.filter(it => it.service === 'orders')));
    expect((await catalog.services('shop', { ...EVERYTHING, statuses: ['healthy'] })).revision).toBe(
      elsewhere!.revision,
    );
    const nowhere = await catalog.services('nowhere', EVERYTHING);
    expect(nowhere).toMatchObject({ services: [], revision: nowhere.head.revision });
  });

  it('search nothing for a caller who has the catalog as of this revision', async () => {
    const { head, page } = await catalog.search(aSearch(), it => it.revision > 0);
    expect(page).toBeUndefined();
    expect(head.revision).toBeGreaterThan(0);
  });
});

describe('a walk over pages', () => {
  beforeEach(async () => {
    await openDatabase();
    return closeDatabase;
  });

  const cases = SEARCH_SORTS.flatMap(sort => SEARCH_ORDERS.map(order => ({ sort, order })));

  it.each(cases)('by $sort $order misses and repeats nothing that stays in place', async ({ sort, order }) => {
    // Several in one transaction share their times, so that only the id tells their order.
    const steady: InstanceRecord[] = [];
    const restless: InstanceRecord[] = [];
    for (let n = 0; n < 60; n += 6) {
      const [a, b, c, d, e, f] = await author.add(...[0, 1, 2, 3, 4, 5].map(offset => named(n + offset)));
      steady.push(a!, b!, c!, d!);
      restless.push(e!, f!);
    }
    const seen: InstanceRecord[] = [];
    let cursor: string | undefined;
    for (let page = 0; ; page++) {
      const { items, nextCursor, head } = await search({ sort, order, limit: 7, cursor });
      expect(Math.max(...items.map(it => it.revision))).toBeLessThanOrEqual(head.revision);
      seen.push(...items);
      if (nextCursor === null) break;
      cursor = nextCursor;
      const [changed, removed] = [restless.pop(), restless.shift()];
      if (changed) await author.change(changed, { weight: page });
      if (removed) await author.remove(removed);
      await author.add(named(1_000 + page), anInstance({ service: 'a-first', instanceId: `x-${page}` }));
      expect(page).toBeLessThan(40);
    }
    const steadyIds = new Set(idsOf(steady));
    const seenSteady = seen.filter(({ id }) => steadyIds.has(id));
    expect(idsOf(seenSteady)).toEqual(idsOf(steady));
    const keyOf = ({ namespace, service, instanceId, id, registeredAt, updatedAt }: InstanceRecord) =>
      sort === 'service'
        ? [namespace, service, instanceId].join(' ')
        : [sort === 'registeredAt' ? registeredAt : updatedAt, id].join(' ');
    const keys = seenSteady.map(keyOf);
    expect(keys).toEqual(order === 'asc' ? [...keys].sort() : [...keys].sort().reverse());
  });

  it('ends with a page that is exactly full', async () => {
    await author.add(...[1, 2, 3, 4].map(n => anInstance({ instanceId: `i-${n}` })));
    const first = await search({ limit: 2 });
    const second = await search({ limit: 2, cursor: first.nextCursor! });
    expect(second.items.map(it => it.instanceId)).toEqual(['i-3', 'i-4']);
    expect(second.nextCursor).toBeNull();
  });

  it.each(SEARCH_SORTS)('by %s finds all that a pattern matches, however few are looked at for a page', async sort => {
    const all = Array.from({ length: 40 }, (_, n) => n);
    const records = await author.add(...all.map(n => anInstance({ instanceId: `i-${n}`, weight: n % 2 })));
    const frugal = new CatalogSearchRepository(author.databases, new CatalogHeadRepository(), {
      statementMs: 4_000,
      page: { instances: 7, milliseconds: 60_000 },
      summaries: { instances: 30, milliseconds: 60_000 },
    });
    const pattern: Expression = { kind: 'matches', of: ['instanceId'], pattern: '[05]$' };
    const odd: Expression = { kind: 'equal', of: ['weight'], anyOf: [1] };
    const walk = async (where: Expression, limit: number) => {
      const pages: string[][] = [];
      let cursor: string | undefined;
      do {
        const question = aSearch({ ...selecting(where), sort, limit, cursor });
        const { page } = await frugal.search(question, () => false);
        pages.push(page!.items.map(it => it.id));
        cursor = page!.nextCursor ?? undefined;
        expect(pages.length).toBeLessThan(100);
      } while (cursor !== undefined);
      expect(Math.max(...pages.map(page => page.length))).toBeLessThanOrEqual(limit);
      return pages;
    };
    const expected = idsOf(records.filter(it => /[05]$/.test(it.instanceId)));
    for (const limit of [1, 2, 100]) expect((await walk(pattern, limit)).flat().sort()).toEqual(expected);
    // Seven are looked at for a page, one or two of which match.
    expect((await walk(pattern, 100)).length).toBeGreaterThan(5);
    // A match that PostgreSQL can rule out is never looked at: 20 are left, so 3 pages.
    expect(await walk({ kind: 'and', terms: [odd, pattern] }, 100)).toHaveLength(3);
    const none: Expression = { kind: 'matches', of: ['service'], pattern: '^none$' };
    expect((await walk(none, 100)).flat()).toEqual([]);

    await expect(frugal.services('default', { ...EVERYTHING, where: pattern })).rejects.toThrow(InvalidFilterError);
    const few = await frugal.services('default', { ...EVERYTHING, where: { kind: 'and', terms: [odd, pattern] } });
    expect(few.services.map(it => it.instances.total)).toEqual([4]);
  });

  it('takes its cursor for nothing else, and no other text', async () => {
    await author.add(...[1, 2, 3].map(n => anInstance({ instanceId: `i-${n}` })));
    const { nextCursor } = await search({ limit: 1 });
    const cursor = nextCursor!;
    const plain = Buffer.from(cursor, 'base64url').toString();
    await expect(search({ limit: 2, cursor })).resolves.toMatchObject({ nextCursor: null });
    const refused: Partial<CatalogSearch>[] = [
      { cursor, order: 'desc' },
      { cursor, sort: 'registeredAt' },
      { cursor, namespace: null },
      { cursor, service: 'orders' },
      { cursor, ...inZone('z') },
      { cursor: '' },
      { cursor: cursor.slice(0, -4) },
      { cursor: 'not a cursor' },
      { cursor: forge(plain.replace('i-1', 'i-\\u0000')) },
      { cursor: forge(plain.replace('"i-1"', '1')) },
      { cursor: forge(plain.replace(',"i-1"', '')) },
      { cursor: forge('null') },
    ];
    for (const differing of refused) {
      await expect(search(differing), JSON.stringify(differing)).rejects.toThrow(InvalidCursorError);
    }
    const timely = (await search({ limit: 1, sort: 'updatedAt' })).nextCursor!;
    const timePlain = Buffer.from(timely, 'base64url').toString();
    for (const time of ['0000-01-01T00:00:00.000Z', '2026-02-30T00:00:00.000Z', 'infinity', 'now']) {
      const cursor = forge(timePlain.replace(/\d{4}-[^"]+Z/, time));
      await expect(search({ sort: 'updatedAt', cursor }), time).rejects.toThrow(InvalidCursorError);
    }
  });
});

describe('common searches over 20,000 instances', () => {
  beforeAll(async () => {
    await openDatabase();
    await ask(`
      insert into service_instance (id, namespace, service, instance_id, type, scheme, host, port, zone, weight,
        metadata, check_terms, health, registered_at, updated_at, version, revision)
      select gen_random_uuid(), 'default', 's-' || n % 1000, 'i-' || n, 'api', 'http', '10.0.0.1', 80, 'z-' || n % 3, 100,
        jsonb_build_object('version', '1.' || n % 200 || '.0', 'environment', 'e-' || n % 100, 'number', n,
          'tags', jsonb_build_object('team', 't-' || n % 500), 'capabilities', jsonb_build_array('c-' || n % 300)),
        '{"kind": "none"}', '{"state": "healthy"}', now() + n * interval '1 s', now() + n * interval '1 s', 1, n
      from generate_series(1, 20000) n`);
    await ask('analyze service_instance');
  });

  afterAll(closeDatabase);

  interface PlanNode {
    readonly 'Node Type': string;
    readonly 'Index Name'?: string;
    readonly Plans?: readonly PlanNode[];
  }

  const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

  /** The indexes that PostgreSQL would use; it must not read the whole table. */
  async function indexesFor(text: string, parameters: readonly unknown[]): Promise<string[]> {
    const [row] = await ask<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(`explain (format json) ${text}`, parameters);
    const nodes = nodesOf(row!['QUERY PLAN'][0].Plan);
    expect(nodes.map(node => node['Node Type'])).not.toContain('Seq Scan');
    return nodes.flatMap(node => node['Index Name'] ?? []);
  }

  const METADATA = 'service_instance_metadata_idx';
  const IDENTITY = 'service_instance_identity_key';
  const middle = ['2100-01-01T00:00:00.000Z', '01a20616-2687-75a3-8d9c-f689e8ca69f5'];

  it.each<[string, Partial<CatalogSearch>, string, (readonly string[])?]>([
    ['environment', contained({ environment: 'e-7' }), METADATA],
    ['a tag', contained({ tags: { team: 't-7' } }), METADATA],
    ['a capability', contained({ capabilities: ['c-7'] }), METADATA],
    ['metadata', contained({ number: 77 }), METADATA],
    ['metadata by time', { ...contained({ number: 77 }), sort: 'updatedAt', order: 'desc' }, METADATA],
    ['a service', { service: 's-7' }, IDENTITY],
    ['everything', {}, IDENTITY],
    ['everything in all namespaces, backwards', { namespace: null, order: 'desc' }, IDENTITY],
    ['a later page', {}, IDENTITY, ['default', 's-500', 'i-500']],
    ['everything by registration', { sort: 'registeredAt' }, 'service_instance_registered_idx'],
    ['the newest', { sort: 'registeredAt', order: 'desc' }, 'service_instance_registered_idx'],
    ['a later page of it', { sort: 'registeredAt' }, 'service_instance_registered_idx', middle],
    ['the last changes', { sort: 'updatedAt', order: 'desc' }, 'service_instance_updated_idx'],
    [
      'what is beside a pattern',
      selecting(withPattern({ kind: 'equal', of: ['metadata', 'number'], anyOf: [77] })),
      METADATA,
    ],
    ['a pattern', selecting(withPattern()), IDENTITY],
    ['a frequent status', { selection: { ...EVERYTHING, statuses: ['healthy'] } }, IDENTITY],
    ['a frequent zone', inZone('z-1'), IDENTITY],
  ])('use an index: %s', async (_, differing, index, position) => {
    const { text, parameters } = searchStatement(aSearch(differing), position, []);
    expect(await indexesFor(text, parameters)).toContain(index);
  });

  it('that the database cannot decide in time are refused when they have many comparisons, and not as unavailable', async () => {
    const looks = { instances: 1, milliseconds: 1 };
    const limits = { statementMs: 100, page: looks, summaries: looks };
    const hasty = new CatalogSearchRepository(author.databases, new CatalogHeadRepository(), limits);
    // All different, or PostgreSQL would look at one of them only.
    const terms = Array.from({ length: 1_000 }, (_, n): Expression => {
      return { kind: 'contains', of: ['metadata', 'environment'], value: `nowhere ${n}` };
    });
    const much: Expression = { kind: 'or', terms };
    await expect(hasty.search(aSearch(selecting(much)), () => false)).rejects.toThrow(InvalidFilterError);
    await expect(hasty.services('default', { ...EVERYTHING, where: much })).rejects.toThrow(InvalidFilterError);
  });

  it('use an index: versions', async () => {
    const version = 'service_instance_app_version_idx';
    const indexes = await indexesFor(DISTINCT_VERSIONS, []);
    expect(new Set(indexes)).toEqual(new Set([version]));
    const { selection } = selecting({ kind: 'version', range: '1.7.0' });
    const { text, parameters } = searchStatement(aSearch({ selection }), undefined, ['1.7.0']);
    expect(await indexesFor(text, parameters)).toContain(version);
    expect((await search({ selection })).items).toHaveLength(100);
  });
});

it('keeps versions that are longer than any index entry may be', async () => {
  await openDatabase();
  try {
    // Random, or it would be compressed to nothing.
    const [endless] = fc.sample(fc.string({ unit: 'grapheme', minLength: 900, maxLength: 1_000 }), 1);
    await author.add(
      anInstance({ metadata: { version: endless! } }),
      anInstance({ instanceId: 'i', metadata: { version: '1.0.0' } }),
    );
    const { items } = await search(selecting({ kind: 'version', range: '*' }));
    expect(items.map(it => it.instanceId)).toEqual(['i']);
  } finally {
    await closeDatabase();
  }
});

describe('A server in recovery', () => {
  beforeAll(openDatabase);
  afterAll(closeDatabase);

  it('is not queried: its data may be old, and is never reported as current', async () => {
    const onStandby = new CatalogSearchRepository(author.databases, new HeadsOnStandby());
    await expect(onStandby.search(aSearch(), () => false)).rejects.toThrow(StoreUnavailableError);
    await expect(onStandby.services('default', EVERYTHING)).rejects.toThrow(StoreUnavailableError);
  });
});
