import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plansOf, rowsTouched } from '../../../../test/support/explained-plans.js';
import { startSweepingNode, type SweepingNode } from '../../../../test/support/sweeping-node.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { EndedLeasesRepository, type LeaseMoment } from './ended-leases.repository.js';

const INSTANCES = 20_000;
const NOW = '2026-01-01T12:00:00.000Z';
const MOMENT: LeaseMoment = { now: NOW, allowance: { flushBoundMs: 1_000, backSince: null, maxGraceMs: 600_000 } };

/** Instances of each service; counting a service looks at all of its instances. */
const PER_SERVICE = 10;

let database: TestDatabase;
let node: SweepingNode;
let client: Client;
const leases = new EndedLeasesRepository();

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startSweepingNode(database.url);
  client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    with instance as (
      insert into service_instance (id, namespace, service, instance_id, type, scheme, host, port, weight, metadata,
        check_terms, health, registered_at, updated_at, revision)
      select gen_random_uuid(), 'default', 'service-' || n / ${PER_SERVICE}, 'i-' || n, 'api', 'http', '10.0.0.1', 80, 100,
        jsonb_build_object('version', '1.2.3', 'text', repeat('x', 200)),
        '{"kind": "heartbeat", "ttlSeconds": 30, "deregisterAfterSeconds": 900}',
        '{"state": "healthy", "failures": 0, "output": "", "decidedBy": "registration", "since": "2026-01-01T00:00:00.000Z"}',
        now(), now(), 1
      from generate_series(1, ${INSTANCES}) as n
      returning id
    )
    insert into instance_lease (instance_id, renewed_at, ttl_seconds)
    select id, timestamptz '${NOW}', 30 from instance`);
  await client.query('vacuum analyze instance_lease, service_instance');
});

afterAll(async () => {
  await client.end();
  await node.close();
  await database.drop();
});

const endSome = (count: number) =>
  client.query(
    `update instance_lease set renewed_at = timestamptz '${NOW}' - interval '40 s'
     where instance_id in (select id from service_instance order by md5(id::text) limit $1)`,
    [count],
  );

/** Instances that the statements of a sweep read, of all that there are. */
async function instancesRead(): Promise<number[]> {
  const windows = { since: NOW, sinceOfAll: NOW, anchors: [] };
  const freely = { others: null, services: [] };
  const plans = [
    ...(await plansOf(node.databases.em('liveness'), em => leases.count(em, MOMENT, windows))),
    ...(await plansOf(node.databases.em('liveness'), em => leases.find(em, MOMENT, freely, 100))),
  ];
  expect(plans).toHaveLength(2);
  return plans.map(plan => rowsTouched(plan, 'service_instance'));
}

describe(`Looking for leases that are over, of ${INSTANCES}`, () => {
  it('reads no instance while none is, since this is done every second', async () => {
    expect(await instancesRead()).toEqual([0, 0]);
  });

  it('reads those that are over and their services when some are, and not the whole catalog', async () => {
    const over = 20;
    await endSome(over);
    for (const read of await instancesRead()) expect(read).toBeLessThanOrEqual(over * (PER_SERVICE + 3));
  });
});
