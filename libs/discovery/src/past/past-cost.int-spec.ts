import { query, readSnapshot } from '@coordination/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CatalogAuthor } from '../../../../test/support/catalog/catalog-author.js';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { type Statement } from '../selection/selection-sql.js';
import { EVERYTHING } from '../selection/selection.js';
import { statesOf, touchedIdentities, visitedIdentities } from './diff/changes-sql.js';
import { walkStatement } from './past-instances.js';
import { lastTouch, PAST_SETTINGS } from './past-sql.js';
import { firstTouches, hasEvent, statesBefore } from './recent/touch-sql.js';

const PARTITION_SIZE = 1_000_000;
const PARTITIONS = 3;
const EVENTS_EACH = 17_000;
const INSTANCES = 20;
const SERVICE = 'busy';
const LAST = (PARTITIONS - 1) * PARTITION_SIZE + EVENTS_EACH;

/** Pages that one seek may read: the way down an index of this size, and the row. */
const PAGES_PER_SEEK = 6;

interface Plan {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Plan[];
}

let database: TestDatabase;
let author: CatalogAuthor;

const ask = (text: string, parameters: readonly unknown[] = []) =>
  query(author.databases.em('writer'), text, parameters);

/** Events of the instances in turn, in the beginning of a partition, after some that are there. */
const fill = (partition: number, first: number, last: number, instances: number) =>
  ask(
    `insert into service_event (revision, at, action, namespace, service, instance_id, instance_uuid, actor, source,
       batch_id, version, before, after, previous_hash, hash, hash_version)
     select $1::bigint * ${PARTITION_SIZE} + n, timestamptz '2026-01-01' + n * interval '1 ms', 'instance.updated',
       'default', '${SERVICE}', 'i-' || n % $4::int, gen_random_uuid(), 'x', 'api', gen_random_uuid(), 1,
       null, $5::jsonb, repeat('0', 64), repeat('0', 64), 1
     from generate_series($2::int, $3::int) n`,
    [partition, first, last, instances, JSON.stringify(anInstance())],
  );

beforeAll(async () => {
  database = await createTestDatabase();
  author = await CatalogAuthor.open(database.url);
  for (let n = 0; n < PARTITIONS; n++) await ask('select ensure_service_event_partitions($1)', [n * PARTITION_SIZE]);
  // Statistics that say that there is one instance: the planner's worst advisers.
  for (let n = 0; n < PARTITIONS; n++) await fill(n, 1, 50, 1);
  await ask('analyze service_event');
  for (let n = 0; n < PARTITIONS; n++) await fill(n, 51, EVENTS_EACH, INSTANCES);
});

afterAll(async () => {
  await author.close();
  await database.drop();
});

/** What a statement read of the log: rows, those that it threw away too, and pages of everything. */
async function costOf({ text, parameters }: Statement, settings: Readonly<Record<string, string>> = PAST_SETTINGS) {
  const [row] = await readSnapshot(
    author.databases,
    em => query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(em, `explain (analyze, buffers, format json) ${text}`, parameters),
    { settings },
  );
  const { Plan: plan } = row!['QUERY PLAN'][0];
  const rowsOf = (node: Plan): number => {
    const own = node['Relation Name']?.startsWith('service_event') ? node['Actual Rows'] : 0;
    const here = (own + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
    return here + (node.Plans ?? []).reduce((sum, child) => sum + rowsOf(child), 0);
  };
  return { rows: rowsOf(plan), pages: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'] };
}

const scope = { namespace: 'default', service: SERVICE };
const everything = { scope: { namespace: null, service: null }, after: undefined, count: 1_000 } as const;
const identities = Array.from({ length: INSTANCES }, (_, n) => ({ ...scope, instanceId: `i-${n}` }));

/** Each identity is sought twice in each partition: as the next one, and as it was. */
const SEEKS = 2 * (INSTANCES + 1) * PARTITIONS;

const perInstance = (seeks: number) => ({ rows: 2 * seeks, pages: PAGES_PER_SEEK * seeks });

async function expectBounded(statement: Statement, seeks: number, settings?: Readonly<Record<string, string>>) {
  const cost = await costOf(statement, settings);
  const bound = perInstance(seeks);
  expect(cost.rows, `rows of ${statement.text}`).toBeLessThanOrEqual(bound.rows);
  expect(cost.pages, `pages of ${statement.text}`).toBeLessThanOrEqual(bound.pages);
}

describe.each(['old', 'new'])('The past of 51,000 events of 20 instances in 3 partitions, with %s statistics', age => {
  beforeAll(async () => {
    if (age === 'new') await ask('vacuum analyze service_event');
  });

  it('costs as many steps as there were instances, not as there are events', async () => {
    for (const at of [30, EVENTS_EACH, PARTITION_SIZE + 9_000, LAST]) {
      for (const order of ['asc', 'desc'] as const) {
        for (const where of [{ ...everything, scope }, everything]) {
          await expectBounded(walkStatement({ ...where, order, at, selection: EVERYTHING }), SEEKS);
        }
      }
      await expectBounded(lastTouch('default', SERVICE, at), 2 * PARTITIONS);
      await expectBounded(lastTouch('default', 'busz', at), 2 * PARTITIONS);
    }
  });

  it('costs a diff as many steps as there were instances, or as there are events in between', async () => {
    const span = { ...everything, from: 5_000, to: LAST };
    await expectBounded(visitedIdentities(span, 1_000), SEEKS);
    await expectBounded(statesOf(identities, span), 2 * INSTANCES * PARTITIONS);
    const short = { ...span, from: LAST - 200 };
    expect((await costOf(touchedIdentities(short, 1_000), {})).rows).toBeLessThanOrEqual(2 * 200);
  });

  it('costs what is rolled back as many steps as the service has events since, up to a bound, whatever others have', async () => {
    const since = { namespace: 'default', service: SERVICE, after: LAST - 200, upTo: LAST };
    const bounds = { namespace: 'default', service: SERVICE, after: 100, upTo: LAST };
    for (const [span, limit, most] of [
      [since, 1_000, 200],
      [bounds, 300, 300],
      [{ ...bounds, service: 'busz' }, 1_000, 1],
    ] as const) {
      const cost = await costOf(firstTouches(span, limit));
      expect(cost.rows, JSON.stringify({ ...span, limit })).toBeLessThanOrEqual(2 * most + 2 * PARTITIONS);
      expect(cost.pages).toBeLessThanOrEqual(PAGES_PER_SEEK * (most + 2 * PARTITIONS));
    }
    const revisions = Array.from({ length: 50 }, (_, n) => LAST - 3 * n);
    expect((await costOf(statesBefore(revisions))).rows).toBeLessThanOrEqual(2 * revisions.length);
    expect((await costOf(hasEvent(LAST, '0'.repeat(64)))).rows).toBeLessThanOrEqual(2);
  });
});
