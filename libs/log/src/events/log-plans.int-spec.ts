import { Databases, query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexesOf, plansOf, rowsTouched } from '../../../../test/support/database/explained-plans.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { type EventFilter, type EventOrder } from './event-filter.js';
import { EventSearchRepository, type RemainingSpan } from './event-search.repository.js';
import { LOG_ENTITIES } from '../entities.js';

const EVENTS = 40_000;
const SERVICES = 400;
const INSTANCES = 4_000;
const TEAMS = 61;
const LIMIT = 101;
const WHOLE = { after: 0, before: EVENTS + 1 };

let database: TestDatabase;
let databases: Databases;
const search = new EventSearchRepository();

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 2, entities: LOG_ENTITIES });
  const em = databases.em('writer');
  // Half of the events have the same actor, the others one of many: planners tend to read events of frequent actors in order.
  await query(
    em,
    `insert into service_event (revision, at, action, namespace, service, instance_id, instance_uuid, actor, request_id,
       source, batch_id, version, after, previous_hash, hash, hash_version)
     select n, timestamptz '2026-01-01' + n * interval '1 s',
       case when n % 3000 = 0 then 'instance.override_set' else 'instance.updated' end,
       'default', 's-' || n % ${SERVICES}, 'i-' || n % ${INSTANCES}, ('00000000-0000-4000-8000-' || lpad((n % ${INSTANCES})::text, 12, '0'))::uuid,
       case when n % 2 = 0 then 'agent' else 'team-' || n % ${TEAMS} end, 'request-' || n, 'api', gen_random_uuid(), 1,
       jsonb_build_object('status', 'healthy', 'metadata', jsonb_build_object('number', n)),
       repeat('0', 64), repeat('0', 64), 1
     from generate_series(1, ${EVENTS}) n`,
  );
  await query(em, 'analyze service_event');
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

const step =
  (filter: EventFilter, order: EventOrder = 'desc') =>
  (em: EntityManager) =>
    search.step(em, filter, order, WHOLE, LIMIT);

const INSTANCE = '00000000-0000-4000-8000-000000000777';

/** How many revisions one statement searches if no index finds the wanted events. */
const WINDOW = 20_000;

/** The indexes of partitions are named after their columns. */
const KEY = /pkey/;

/** Events of a frequent actor may also be filtered out of the newest events. */
const FREQUENT = /actor|pkey/;

describe(`A query of a log of ${EVENTS} events`, () => {
  it.each<[string, (em: EntityManager) => Promise<unknown>, RegExp]>([
    ['the newest events', step({}), KEY],
    ['events of a service', step({ namespace: 'default', service: 's-7' }), /namespace_service/],
    ['the first events of a service', step({ namespace: 'default', service: 's-7' }, 'asc'), /namespace_service/],
    ['events of an instance', step({ instance: INSTANCE }), /instance_uuid/],
    ['events of a rare actor', step({ actor: 'team-7' }), FREQUENT],
    ['events of an actor of half of the events', step({ actor: 'agent' }), FREQUENT],
    ['events of an actor without events', step({ actor: 'nobody' }), /actor/],
    ['events of a request', step({ requestId: 'request-31415' }), /request_id/],
    [
      'events of all instances with a name',
      step({ namespace: 'default', service: 's-7', instanceId: 'i-407' }),
      /instance_id/,
    ],
    [
      'events of a name that no instance had',
      step({ namespace: 'default', service: 's-7', instanceId: 'no' }),
      /instance_id/,
    ],
    ['a rare action', step({ action: ['instance.override_set'] }), KEY],
    ['rare actions', step({ action: ['instance.override_set', 'instance.expired'] }), KEY],
    ['a rare reason', step({ reason: 'the rack burns' }), KEY],
    ['a transaction', step({ batchId: INSTANCE }), KEY],
    ['a name in any service', step({ instanceId: 'i-407' }), KEY],
    ['a network', step({ clientAddress: '10.0.0.0/8' }), KEY],
    ['one event', em => search.findOne(em, 31_415), KEY],
    ['the first event from a time on', em => search.spanOf(em, { from: '2026-01-01T06:00:00.000Z' }), /_at_/],
    ['the last event up to a time', em => search.spanOf(em, { to: '2026-01-01T06:00:00.000Z' }), /_at_/],
    ['the first event after a time', em => search.spanOf(em, { after: '2026-01-01T06:00:00.000Z' }), /_at_/],
    ['the last event before a time', em => search.spanOf(em, { before: '2026-01-01T06:00:00.000Z' }), /_at_/],
  ])('reads, by an index, few more events than it returns: %s', async (_what, work, index) => {
    const plans = await plansOf(databases.em('reads'), work);
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) {
      expect(plan.map(node => node['Node Type'])).not.toContain('Seq Scan');
      const most = index === KEY ? WINDOW : index === FREQUENT ? 3 * LIMIT * TEAMS : LIMIT;
      expect(rowsTouched(plan, 'service_event')).toBeLessThanOrEqual(most);
    }
    const indexes = plans.flatMap(indexesOf);
    expect(
      indexes.filter(name => index.test(name)),
      indexes.join(', '),
    ).not.toEqual([]);
  });

  it('reads a bounded number of events per statement if its index also finds many others, even if it never finds a match', async () => {
    const narrow = new EventSearchRepository(1_000);
    const filter: EventFilter = { actor: 'agent', reason: 'the rack burns' };
    const stepFrom = async (from: RemainingSpan) => {
      const remaining: (RemainingSpan | undefined)[] = [];
      const plans = await plansOf(databases.em('reads'), async em => {
        remaining.push((await narrow.step(em, filter, 'desc', from, LIMIT)).rest);
      });
      return { rest: remaining[0], most: Math.max(...plans.map(plan => rowsTouched(plan, 'service_event'))) };
    };
    const touched: number[] = [];
    for (let from: RemainingSpan | undefined = WHOLE; from !== undefined;) {
      const { rest, most } = await stepFrom(from);
      touched.push(most);
      from = rest;
    }
    expect(touched.length).toBeGreaterThan(3);
    expect(Math.max(...touched)).toBeLessThanOrEqual(16_000);
  });
});
