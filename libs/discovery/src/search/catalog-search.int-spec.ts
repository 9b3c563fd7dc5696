import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CatalogHeadRepository, EpochLogRepository } from '@coordination/log';
import { query } from '@coordination/database';
import { type JsonValue, systemClock } from '@coordination/kernel';
import {
  CatalogView,
  INSTANCE_COLUMNS,
  INSTANCE_TYPES,
  type InstanceRecord,
  normalizeRecord,
  OVERRIDE_STATUSES,
  STATUSES,
  toInstanceView,
} from '@coordination/catalog';
import { CatalogLoader, HEALTH_STATES } from '@coordination/catalog/testing';
import { CatalogAuthor } from '../../../../test/support/catalog/catalog-author.js';
import { nastyMetadata, someExpression } from '../../../../test/support/laws/arbitrary-expressions.js';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { aSearch, searchedView } from '../../../../test/support/search/searched-view.js';
import { type CatalogSearch, SEARCH_ORDERS, SEARCH_SORTS } from './catalog-search.js';
import { fromCursor } from './search-cursor.js';
import { containsJson } from '../selection/json-containment.js';
import { EVERYTHING, matcher, type Selection } from '../selection/selection.js';
import { addSelection, Conditions } from '../selection/selection-sql.js';

let database: TestDatabase;
let author: CatalogAuthor;
/** As the table has them. */
let records: InstanceRecord[];
/** The parts that answer searches from the view that this database was loaded into. */
let memory: ReturnType<typeof searchedView>;

const ask = <Row>(text: string, parameters: readonly unknown[] = []) =>
  query<Row>(author.databases.em('reads'), text, parameters);

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
    namespace: fc.constantFrom('default', 'shop', 'shop-1'),
    service: fc.constantFrom('orders', 'orders-1', 'orders.1', 'orders_1', 'orders1'),
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

/** instanceIds of all characters that are allowed, which locales sort in other ways than bytes do. */
const NASTY_IDS = [
  'a',
  'A',
  'b',
  'B',
  'a-b',
  'a.b',
  'a_b',
  'ab',
  'a:b',
  'a@b',
  '-',
  '.',
  '_',
  ':',
  '@',
  '0',
  '9',
  '10',
  'Z',
  'z',
];

beforeAll(async () => {
  database = await createTestDatabase();
  author = await CatalogAuthor.open(database.url);
  const samples = fc.sample(someInstance, { numRuns: 300, seed: 20261123 });
  const named = samples.map((it, n) => ({
    ...it,
    instanceId: `${NASTY_IDS[n % NASTY_IDS.length]}${n < 100 ? '' : n}`,
  }));
  const unique = [...new Map(named.map(it => [`${it.namespace} ${it.service} ${it.instanceId}`, it])).values()];
  // Each transaction gives all of its instances one time, so that many share theirs.
  const added: InstanceRecord[] = [];
  for (let n = 0; n < unique.length; n += 40) added.push(...(await author.add(...unique.slice(n, n + 40))));
  for (const n of [3, 50, 51, 120]) await author.change(added[n]!, { weight: 7 });
  await author.remove(added[5]!, added[77]!);

  const { databases } = author;
  const loader = new CatalogLoader(databases, new CatalogHeadRepository(), new EpochLogRepository(), systemClock);
  const view = new CatalogView(systemClock, { stalenessLimitSeconds: 3_600 });
  view.replace(await loader.load());
  memory = searchedView(view);
  const rows = await ask<InstanceRecord>(`select ${INSTANCE_COLUMNS} from service_instance i`);
  records = rows.map(normalizeRecord);
});

afterAll(async () => {
  await author.close();
  await database.drop();
});

const COLUMNS = {
  service: ['i.namespace', 'i.service', 'i.instance_id'],
  registeredAt: ['i.registered_at', 'i.id'],
  updatedAt: ['i.updated_at', 'i.id'],
} as const;

/** What PostgreSQL answers to a search; {@link matcher} decides what it cannot decide. */
async function inPostgres(search: CatalogSearch): Promise<InstanceRecord[]> {
  const conditions = new Conditions();
  if (search.namespace !== null) conditions.add('i.namespace = $', search.namespace);
  if (search.service !== null) conditions.add('i.service = $', search.service);
  addSelection(conditions, search.selection);
  const columns = COLUMNS[search.sort];
  if (search.cursor !== undefined) {
    const isTime = search.sort !== 'service';
    const types = isTime ? ['timestamptz', 'uuid'] : ['text', 'text', 'text'];
    const values = fromCursor(search, search.cursor).map((value, n) => `${conditions.bind(value)}::${types[n]}`);
    conditions.addBound(`(${columns.join(', ')}) ${search.order === 'asc' ? '>' : '<'} (${values.join(', ')})`);
  }
  const order = columns.map(column => `${column} ${search.order}`).join(', ');
  const rows = await ask<InstanceRecord>(
    `select ${INSTANCE_COLUMNS} from service_instance i ${conditions.where} order by ${order}`,
    conditions.parameters,
  );
  return rows.map(normalizeRecord).filter(matcher(search.selection)).slice(0, search.limit);
}

const someSearch: fc.Arbitrary<Partial<CatalogSearch>> = fc.record({
  namespace: fc.constantFrom(null, 'default', 'shop', 'nowhere'),
  service: fc.constantFrom(null, null, 'orders', 'orders-1'),
  sort: fc.constantFrom(...SEARCH_SORTS),
  order: fc.constantFrom(...SEARCH_ORDERS),
  limit: fc.constantFrom(1, 7, 40, 1_000),
  selection: fc.oneof(fc.constant(EVERYTHING), someSelection),
});

describe('Searches in memory and in PostgreSQL', () => {
  it('have the same instances in the same order on every page, and go on after the same cursors', async () => {
    await fc.assert(
      fc.asyncProperty(someSearch, fc.nat(20), async (differing, skipped) => {
        let cursor: string | undefined;
        for (let n = 0; n < skipped; n++) {
          const { nextCursor } = await memory.page({ ...differing, cursor });
          if (nextCursor === null) break;
          cursor = nextCursor;
        }
        const search = { ...differing, cursor };
        const { items } = await memory.page(search);
        expect(items).toEqual((await inPostgres(aSearch(search))).map(toInstanceView));
      }),
      { numRuns: 300 },
    );
  });

  it.each(SEARCH_SORTS)('sort everything alike by %s', async sort => {
    for (const order of SEARCH_ORDERS) {
      const { items } = await memory.page({ sort, order, limit: 1_000 });
      expect(items.map(it => it.id)).toEqual(
        (await inPostgres(aSearch({ sort, order, limit: 1_000 }))).map(it => it.id),
      );
      expect(items).toHaveLength(records.length);
    }
  });
});

describe('The conditions of a selection in SQL and in memory', () => {
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
});
