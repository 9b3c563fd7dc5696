import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LogEvent } from '@coordination/log';
import { type LeasedInstance } from '@coordination/catalog';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import {
  anIdentity,
  anOrigin,
  aRepeatableCall,
  aSpec,
  registerCommand,
} from '../../../../test/support/catalog/factories.js';
import { MovableClock } from '../../../../test/support/database/movable-clock.js';
import { startSeeingWriter } from '../../../../test/support/catalog/cached-writer.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { type Command } from '../domain/commands.js';
import { InstanceLeaseRepository } from '../leases/instance-lease.repository.js';
import { type CommandResult } from '../requests/write-request.js';

const HOUR = 3_600;

let database: TestDatabase;
let clock: MovableClock;
/** It appends without the lock where it can. */
let node: WritingNode;
/** It always takes the lock. */
let other: WritingNode;

beforeEach(async () => {
  database = await createTestDatabase();
  clock = await MovableClock.install(database);
  node = await startSeeingWriter(database.url);
  other = await startWriter(database.url);
});

afterEach(async () => {
  await Promise.all([node.close(), other.close()]);
  await assertCatalogInvariants(database.url);
  await clock.close();
  await database.drop();
});

const named = (instanceId: string) => ({ identity: anIdentity({ instanceId }) });
const register = (instanceId: string, port = 80) => registerCommand({ ...named(instanceId), spec: aSpec({ port }) });
const heartbeat = (instanceId: string): Command => ({ kind: 'heartbeat', target: named(instanceId) });
const report = (instanceId: string, healthy: boolean): Command => ({
  kind: 'report-health',
  target: named(instanceId),
  report: { healthy, output: 'said so' },
});
const override = (instanceId: string, until: string): Command => ({
  kind: 'set-override',
  target: named(instanceId),
  status: 'maintenance',
  reason: null,
  until,
});

const keyed = (key: string) => ({
  commands: [register(key)],
  origin: anOrigin({ repeatable: aRepeatableCall(key) }),
});

const iso = (ms: number) => new Date(ms).toISOString();

async function done(by: WritingNode, ...commands: readonly Command[]): Promise<LeasedInstance[]> {
  const { results } = await by.submit(...commands);
  return results.map(({ leased }: CommandResult) => leased!);
}

/** The lease of an instance as it is stored, in ms by the clock now: negative is the past. */
const storedLease = async (instanceId: string) => {
  const [row] = await clock.sql<{ renewed: number; checked: number | null }>(
    `select extract(epoch from renewed_at - clock_timestamp())::float8 * 1000 as renewed,
       extract(epoch from checked_at - clock_timestamp())::float8 * 1000 as checked
     from instance_lease join service_instance i on i.id = instance_lease.instance_id where i.instance_id = $1`,
    [instanceId],
  );
  return row!;
};

/** Waits until the node knows all that is in the log, so that it can append without the lock. */
async function seen(): Promise<void> {
  await waitFor('the node has seen the log', async () => {
    const [head] = await clock.sql<{ hash: string }>('select hash from catalog_head');
    return node.catalog.position()?.hash === head!.hash;
  });
}

/** Registers through a node until it has appended so many times without the lock. */
async function registerKnown(times: number): Promise<LeasedInstance[]> {
  const leased: LeasedInstance[] = [];
  for (let n = 0; node.ways.filter(way => way === 'optimistic').length < times; n++) {
    await seen();
    leased.push(...(await done(node, register(`known-${node.ways.length}-${n}`))));
  }
  return leased;
}

const events = async (): Promise<readonly LogEvent[]> => (await assertCatalogInvariants(database.url)).events;

describe('After the clock of the database was an hour ahead, and was put right', () => {
  it.each([
    ['under the lock', () => other],
    ['without the lock, where the node can', () => node],
  ])('leases and since when are of the clock, events of the log: %s', async (_, by) => {
    await clock.set(HOUR);
    const [early] = await done(by(), register('early'));
    await clock.set(0);
    const before = iso(await clock.now());
    const made = [];
    for (let n = 0; n < 8; n++) {
      await seen();
      made.push(...(await done(by(), register(`late-${n}`))));
      made.push(...(await done(by(), report(`late-${n}`, false))));
    }
    const after = iso(await clock.now());
    for (const { instance, lease } of made) {
      expect(lease.renewedAt >= before && lease.renewedAt <= after, lease.renewedAt).toBe(true);
      expect(instance.health.since >= before && instance.health.since <= after, instance.health.since).toBe(true);
      expect(instance.registeredAt >= early!.instance.registeredAt).toBe(true);
      const { renewed } = await storedLease(instance.instanceId);
      expect(renewed).toBeLessThanOrEqual(0);
      expect(renewed).toBeGreaterThan(-60_000);
    }
    if (by() === node)
      expect(node.ways.slice(-3), 'the hour costs no locks').toEqual(['optimistic', 'optimistic', 'optimistic']);
    const told = await events();
    const ahead = told[0]!.at;
    expect(told.every(({ at }) => at >= ahead && at < iso(Date.parse(ahead) + 60_000))).toBe(true);
  });

  it('whatever renews a lease brings it back from the time that has not come', async () => {
    await clock.set(HOUR);
    const names = ['again', 'other', 'beats', 'reports', 'patched', 'renewed'];
    await done(other, ...names.map(name => ({ ...register(name), initialState: 'starting' as const })));
    const probed = registerCommand({
      ...named('probed'),
      spec: aSpec({
        check: {
          kind: 'tcp',
          ttlSeconds: 30,
          deregisterAfterSeconds: 900,
          intervalSeconds: 30,
          timeoutSeconds: 5,
          failureThreshold: 3,
          successThreshold: 1,
        },
      }),
    });
    const [before] = await done(other, probed);
    await clock.set(0);
    await done(other, register('other', 81));
    await done(other, { ...register('again'), initialState: 'healthy' });
    await done(other, heartbeat('beats'));
    await done(other, report('reports', false));
    const verdict = { healthy: true, inARow: 1, output: '' };
    await done(other, {
      kind: 'report-probe',
      target: named('probed'),
      probed: before!.instance,
      verdict,
    });
    const [renewed] = await clock.sql<{ id: string }>(`select id from service_instance where instance_id = 'renewed'`);
    const sign = { id: renewed!.id, ageMs: 100, reported: true };
    await new InstanceLeaseRepository().renew(other.databases.em('leases'), [sign]);
    for (const name of ['other', 'again', 'beats', 'reports', 'probed', 'renewed']) {
      const { renewed: at, checked } = await storedLease(name);
      expect(at, name).toBeLessThanOrEqual(0);
      expect(at, name).toBeGreaterThan(-60_000);
      expect(checked ?? 0, name).toBeLessThanOrEqual(0);
    }
    expect((await storedLease('patched')).renewed, 'of which nothing was heard').toBeGreaterThan(HOUR * 900);
  });

  it('a renewal of a lease that is right goes by its age as ever, and an older one changes nothing', async () => {
    const [{ instance } = {} as LeasedInstance] = await done(other, register('a'));
    const leases = new InstanceLeaseRepository();
    await clock.sql(`update instance_lease set renewed_at = now() - interval '20 s'`);
    await leases.renew(other.databases.em('leases'), [{ id: instance.id, ageMs: 10_000, reported: false }]);
    const { renewed } = await storedLease('a');
    expect(renewed).toBeLessThanOrEqual(-10_000);
    expect(renewed).toBeGreaterThan(-20_000);
    await leases.renew(other.databases.em('leases'), [{ id: instance.id, ageMs: 60_000, reported: false }]);
    expect((await storedLease('a')).renewed).toBeGreaterThan(-25_000);
  });

  it('the end of an override is judged by the clock, when it is set and when it comes', async () => {
    await clock.set(HOUR);
    await done(other, register('a'));
    await clock.set(0);
    const now = await clock.now();
    const [{ instance } = {} as LeasedInstance] = await done(other, override('a', iso(now + 600_000)));
    expect(instance).toMatchObject({ status: 'maintenance', override: { until: iso(now + 600_000) } });
    expect(instance.override!.setAt < instance.override!.until!).toBe(true);
    await expect(done(other, override('a', iso(now - 1)))).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    const end = { kind: 'clear-override', target: named('a'), onlyIfOver: true, whenAbsent: 'ignore' } as const;
    expect((await done(other, end))[0]!.instance.status).toBe('maintenance');
    await clock.set(601);
    expect((await done(other, end))[0]!.instance.status).toBe('healthy');
  });

  it('an answer under a key is as old as the clock says, and as old as can be where nobody can tell', async () => {
    await clock.set(HOUR);
    await other.writer.submit(keyed('early'));
    await clock.set(0);
    await other.writer.submit(keyed('late'));
    await clock.set(120);
    const late = await other.writer.submit(keyed('late'));
    expect(late.results[0]!.outcome).toBe('created');
    expect(late.repeatsAfterMs).toBeGreaterThan(119_000);
    expect(late.repeatsAfterMs).toBeLessThan(HOUR * 1_000);
    const early = await other.writer.submit(keyed('early'));
    expect(early.repeatsAfterMs, 'its sign of life renews nothing').toBe(24 * HOUR * 1_000);
    expect(await events()).toHaveLength(2);
  });
});

describe('A node that appends without the lock', () => {
  it.each([
    ['forward by an hour', HOUR],
    ['back by an hour', -HOUR],
    ['forward by four seconds', 4],
    ['back by two seconds', -2],
  ])('notices that the clock was set %s, and decides by the new one', async (_, seconds) => {
    await registerKnown(2);
    await clock.set(seconds);
    await seen();
    const ways = node.ways.length;
    const before = iso(await clock.now());
    const [{ instance, lease } = {} as LeasedInstance] = await done(node, register('after'));
    expect(node.ways.slice(ways)).toEqual(['conflict', 'locked']);
    expect(lease.renewedAt >= before && lease.renewedAt <= iso(await clock.now())).toBe(true);
    expect(instance.health.since).toBe(lease.renewedAt);
    await registerKnown(4);
  });

  it('goes on as ever when the clock has passed the time of the log', async () => {
    await clock.set(30);
    await done(other, register('early'));
    await clock.set(0);
    await registerKnown(1);
    await clock.set(60);
    await registerKnown(3);
    const [last] = (await events()).slice(-1);
    expect(Math.abs(Date.parse(last!.at) - (await clock.now()))).toBeLessThan(30_000);
  });
});
