import { type InstanceSpec, expiryDueAt, LONG_STALL_MS } from '@coordination/catalog';
import { type RoleTerm } from '@coordination/leadership';
import * as fc from 'fast-check';
import { type Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anIdentity, aSpec, registerCommand } from '../../../../test/support/catalog/factories.js';
import { writeManyLeases } from '../../../../test/support/catalog/many-leases.js';
import { createSweptDatabase, type SweptDatabase } from '../../../../test/support/catalog/swept-database.js';
import { type SweepingNode } from '../../../../test/support/catalog/sweeping-node.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { EndedLeasesRepository, type LeaseMoment } from './ended-leases.repository.js';

let swept: SweptDatabase;
let node: SweepingNode;
let client: Client;
let term: RoleTerm;
const leases = new EndedLeasesRepository();

beforeAll(async () => {
  swept = await createSweptDatabase();
  ({ node, client } = swept);
  term = (await node.claim(600_000))!;
});

afterAll(() => swept.close());

const NOW = '2026-01-01T12:00:00.000Z';
const agoIso = (ms: number) => new Date(Date.parse(NOW) - ms).toISOString();
const FREELY = { others: null, services: [] };
const em = () => node.databases.em('liveness');

const checkOf = (ttlSeconds: number | null): InstanceSpec['check'] => ({
  kind: 'none',
  ttlSeconds,
  deregisterAfterSeconds: 900,
});

describe('Expired leases', () => {
  it('are the same for the database and for the decision', async () => {
    const ttls = [1, 2, 30, 900, 86_400, null];
    const commands = ttls.map((ttl, n) => {
      return registerCommand({ identity: anIdentity({ instanceId: `i-${n}` }), spec: aSpec({ check: checkOf(ttl) }) });
    });
    const ids = (await node.submit(...commands)).results.map(({ leased }) => leased!.instance.id);
    // Ages around each ttl, to the millisecond.
    const someAge = fc.oneof(
      fc.integer({ min: -5_000, max: 100_000_000 }),
      fc
        .tuple(fc.constantFrom(1, 2, 30, 900, 86_400), fc.integer({ min: -2, max: 2_002 }))
        .map(([s, ms]) => s * 1_000 + ms),
    );
    const someStall = fc
      .record({
        agoMs: fc.integer({ min: 0, max: 100_000 }),
        lengthMs: fc.constantFrom(150, 1_000, 2_999, 3_000, 20_000),
        part: fc.constantFrom(1, 0.25),
      })
      .map(({ agoMs, lengthMs, part }) => {
        return { from: agoIso(agoMs + lengthMs), until: agoIso(agoMs), ms: Math.ceil(lengthMs * part) };
      });
    const someStalls = fc.array(someStall, { maxLength: 4 });
    const someAllowance = fc.record({
      flushBoundMs: fc.constantFrom(0, 1, 1_000, 60_000),
      recoveringSince: fc.option(
        fc.integer({ min: -100_000, max: 0 }).map(ms => new Date(Date.parse(NOW) + ms).toISOString()),
      ),
      maxGraceMs: fc.constantFrom(0, 5_000, 600_000),
      stalls: someStalls,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(someAge, { minLength: ids.length, maxLength: ids.length }),
        someAllowance,
        async (ages, allowance) => {
          const renewed = ages.map(ms => new Date(Date.parse(NOW) - ms).toISOString());
          await client.query(
            `update instance_lease set renewed_at = r.at from unnest($1::uuid[], $2::timestamptz[]) as r (id, at)
             where instance_id = r.id`,
            [ids, renewed],
          );
          const moment: LeaseMoment = { now: NOW, allowance };
          const expected = ids.filter((_, n) => {
            const over = expiryDueAt({ renewedAt: renewed[n]!, checkedAt: null }, checkOf(ttls[n]!), allowance);
            return over !== null && over <= Date.parse(NOW);
          });
          const found = await leases.find(em(), moment, FREELY, 100);
          expect(found.map(({ id }) => id).sort()).toEqual(expected.sort());
          for (const { id, overAt: time } of found) {
            const n = ids.indexOf(id);
            expect(Date.parse(time)).toBe(
              expiryDueAt({ renewedAt: renewed[n]!, checkedAt: null }, checkOf(ttls[n]!), allowance),
            );
          }
          const counts = await leases.count(em(), moment, { since: NOW, sinceOfAll: NOW, anchors: [] });
          expect(counts.total).toEqual({ of: 5, expired: expected.length, pending: expected.length });
          const dueAt = (n: number, differing: Partial<LeaseMoment['allowance']> = {}) =>
            expiryDueAt({ renewedAt: renewed[n]!, checkedAt: null }, checkOf(ttls[n]!), { ...allowance, ...differing });
          const longUntil = Math.max(
            ...allowance.stalls.map(({ until, ms }) => (ms >= LONG_STALL_MS ? Date.parse(until) : -Infinity)),
          );
          const inStallGrace = ids
            .map((_, n) => ({ due: dueAt(n), plain: dueAt(n, { stalls: [] }), renewedAt: Date.parse(renewed[n]!) }))
            .filter(({ due, plain, renewedAt }) => {
              const isExtended = plain !== null && due !== null && plain <= Date.parse(NOW) && due > Date.parse(NOW);
              return isExtended && renewedAt < longUntil;
            });
          expect(counts.inStallGrace).toBe(inStallGrace.length);
          const last = Math.max(...inStallGrace.map(({ due }) => due!));
          expect(counts.inStallGraceUntil && Date.parse(counts.inStallGraceUntil)).toBe(
            inStallGrace.length > 0 ? last : null,
          );
        },
      ),
      { numRuns: 100 },
    );
  });
});

const millis = async (work: () => Promise<unknown>) => {
  const from = performance.now();
  await work();
  return Math.round(performance.now() - from);
};
describe('100,000 leases', () => {
  const COUNT = 100_000;

  it('are searched without reading instances, and some of them end in a few batches', async () => {
    await writeManyLeases(client, {
      namespace: 'many',
      instances: COUNT,
      services: 500,
      renewedAt: `now() + interval '1 hour'`,
    });
    await client.query(`update node_role set back_since = now() - interval '1 day'`);
    await client.query(`delete from service_instance where namespace = 'default'`);
    const quiet = [];
    for (let n = 0; n < 5; n++) quiet.push(await millis(() => node.sweep(term)));
    await client.query(`
      update instance_lease set renewed_at = now() - interval '40 s' where instance_id in (
        select id from service_instance where namespace = 'many' order by instance_id limit 1000)`);
    const busy = await millis(async () => {
      await waitFor('a thousand ended', async () => {
        await node.sweep(term);
        const { rowCount } = await client.query('select from instance_lease where lapsed');
        return rowCount === 1_000;
      });
    });
    await client.query(`update instance_lease set renewed_at = now() - interval '40 s'`);
    const all = await millis(() => node.sweep(term));
    const held = await millis(() => node.sweep(term));
    const { rows } = await client.query<{ n: number }>('select count(*)::int as n from liveness_guard');
    expect(rows[0]!.n, 'every service has lost all of its leases').toBe(500);
    expect((await client.query('select from instance_lease where lapsed')).rowCount).toBe(1_000);
    // Printed and not asserted, because machines differ.
    process.stdout.write(
      `sweeps of ${COUNT} leases: ${quiet.join(', ')} ms; 1,000 that end: ${busy} ms; all over: ${all}, then ${held} ms\n`,
    );
  });
});
