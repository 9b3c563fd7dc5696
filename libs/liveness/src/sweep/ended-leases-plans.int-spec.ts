import { type Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plansOf, rowsTouched } from '../../../../test/support/database/explained-plans.js';
import { writeManyLeases } from '../../../../test/support/catalog/many-leases.js';
import { createSweptDatabase, type SweptDatabase } from '../../../../test/support/catalog/swept-database.js';
import { type SweepingNode } from '../../../../test/support/catalog/sweeping-node.js';
import { EndedLeasesRepository, type LeaseMoment } from './ended-leases.repository.js';

const INSTANCES = 20_000;
const NOW = '2026-01-01T12:00:00.000Z';
const MOMENT: LeaseMoment = {
  now: NOW,
  allowance: { flushBoundMs: 1_000, recoveringSince: null, maxGraceMs: 600_000, stalls: [] },
};

/** Instances of each service. To count a service reads all of its instances. */
const PER_SERVICE = 10;

let swept: SweptDatabase;
let node: SweepingNode;
let client: Client;
const leases = new EndedLeasesRepository();

beforeAll(async () => {
  swept = await createSweptDatabase();
  ({ node, client } = swept);
  await writeManyLeases(client, {
    namespace: 'default',
    instances: INSTANCES,
    services: INSTANCES / PER_SERVICE,
    renewedAt: `timestamptz '${NOW}'`,
  });
});

afterAll(() => swept.close());

const endSome = (count: number) =>
  client.query(
    `update instance_lease set renewed_at = timestamptz '${NOW}' - interval '40 s'
     where instance_id in (select id from service_instance order by md5(id::text) limit $1)`,
    [count],
  );

/** How many instances the statements of a sweep read. */
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

describe(`The search for expired leases among ${INSTANCES}`, () => {
  it('reads no instance if no lease has expired, because it is done every second', async () => {
    expect(await instancesRead()).toEqual([0, 0]);
  });

  it('reads the instances of expired leases and their services, and not the whole catalog', async () => {
    const over = 20;
    await endSome(over);
    for (const read of await instancesRead()) expect(read).toBeLessThanOrEqual(over * (PER_SERVICE + 3));
  });
});
