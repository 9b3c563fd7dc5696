import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES, type LeasedView, named } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { brief, type CatalogNode, eventsOf, startNode } from '../../support/catalog/catalog-service.js';
import { HeartbeatingFleet } from '../../support/catalog/heartbeating-fleet.js';
import { MovableClock } from '../../support/database/movable-clock.js';
import { unhurried } from '../../support/time/slowness.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { waitFor } from '../../support/time/wait-for.js';

const HOUR = 3_600;
const MINUTE_MS = 60_000;
const TTL = unhurried(5);
const SHORT = { kind: 'heartbeat', ttlSeconds: TTL, deregisterAfterSeconds: TTL };
/** That most of a service die is what is tested here. */
const UNGUARDED = { PCS_GUARD_MIN_INSTANCES: '1000', PCS_GUARD_TOTAL_MIN_INSTANCES: '1000' };
/** Leases that nobody would wait an hour for in a test are waited for so long (ms). */

let database: TestDatabase;
let clock: MovableClock;
let nodes: CatalogNode[];
let fleet: HeartbeatingFleet;

/** Registered while the clock was ahead. */
const early: Record<string, LeasedView> = {};

beforeAll(async () => {
  database = await createTestDatabase();
  clock = await MovableClock.install(database);
  await clock.set(HOUR);
  nodes = [await startNode(database.url, UNGUARDED), await startNode(database.url, UNGUARDED)];
  const [{ api }] = nodes as [CatalogNode];
  fleet = await HeartbeatingFleet.start(
    nodes.map(node => node.api),
    { services: ['living'], perService: 5, ttlSeconds: TTL },
  );
  for (const [instanceId, check] of [
    ['again', SHORT],
    ['changed', SHORT],
    ['died', SHORT],
    ['long-dead', { ...SHORT, ttlSeconds: 1, deregisterAfterSeconds: unhurried(12) }],
    ['overridden', undefined],
  ] as const) {
    early[instanceId] = await api.register({ instanceId, ...(check && { check }) });
  }
  await waitFor('one has lapsed', async () => (await api.read(early['long-dead']!.id)).status === 'unhealthy');
  // All others live until the clock is put right.
  for (const instanceId of ['again', 'changed', 'died']) {
    await waitFor(`${instanceId} is alive`, async () => {
      await api.send('PUT', `${named(instanceId)}/heartbeat`);
      return (await api.read(early[instanceId]!.id)).status === 'healthy';
    });
  }
  await clock.set(0);
});

afterAll(async () => {
  await fleet.stop();
  for (const node of nodes) await node.close();
  await assertCatalogInvariants(database.url);
  await clock.close();
  await database.drop();
});

const api = () => nodes[0]!.api;
const iso = (ms: number) => new Date(ms).toISOString();

/** What is left (ms) of a lease, by the clock of the database. */
const left = async ({ expiresAt }: LeasedView) => Date.parse(expiresAt!) - (await clock.now());

describe('The clock of the database was an hour ahead, and was put right', () => {
  it('who registers afterwards has the lease that it asked for', async () => {
    for (let n = 0; n < 6; n++) {
      const instance = await nodes[n % 2]!.api.register({ instanceId: `new-${n}`, check: SHORT });
      expect(await left(instance)).toBeLessThanOrEqual(TTL * 1_000);
      expect(await left(await api().read(instance.id))).toBeLessThanOrEqual(TTL * 1_000);
    }
    const again = await api().register({ instanceId: 'again', check: SHORT });
    const changed = await api().register({ instanceId: 'changed', check: SHORT, weight: 7 });
    for (const instance of [again, changed]) {
      expect(instance.id).toBe(early[instance.instanceId]!.id);
      expect(await left(instance)).toBeLessThanOrEqual(TTL * 1_000);
    }
    await waitFor('the renewal is noted', async () => (await left(await api().read(again.id))) <= TTL * 1_000);
  });

  it('whoever is not heard of ends and goes, whenever it was registered', async () => {
    const late = await nodes[1]!.api.register({ instanceId: 'late', check: SHORT });
    const gone = async () => {
      const ids = [late.id, ...['again', 'changed', 'died', 'long-dead'].map(name => early[name]!.id)];
      const answers = await Promise.all(ids.map(id => api().get(`${INSTANCES}/${id}`)));
      return answers.every(({ status }) => status === 404);
    };
    await waitFor('all of them are gone', gone);
    const events = await eventsOf(api(), 'actor=system:liveness&action=instance.expired');
    const names = events.map(({ instanceId }) => instanceId);
    for (const name of ['late', 'again', 'changed', 'died', 'long-dead']) expect(names, name).toContain(name);
  });

  it('whoever sends heartbeats stays, and was never thought dead', async () => {
    for (const id of fleet.ids) {
      expect(await api().read(id)).toMatchObject({ status: 'healthy' });
      expect(await left(await api().read(id))).toBeLessThanOrEqual(TTL * 1_000);
      expect((await eventsOf(api(), `instance=${id}`)).map(({ action }) => action)).toEqual(['instance.registered']);
    }
  });

  it('an override ends when its time comes by the clock, and cannot be set for a time that has passed', async () => {
    const override = `${INSTANCES}/${early['overridden']!.id}/override`;
    const now = await clock.now();
    const past = await api().send('PUT', override, { status: 'maintenance', until: iso(now - 1_000) });
    expect(brief(past.body)).toEqual({ status: 400, code: 'VALIDATION_FAILED', at: ['/until'] });
    const until = iso(now + 10 * MINUTE_MS);
    const set = await api().ok('PUT', override, { status: 'maintenance', until });
    expect(set).toMatchObject({ status: 'maintenance', override: { until } });
    // Another one, set by selector, ends soon: once it has ended, the job has looked at both.
    await api().register({ instanceId: 'soon', service: 'soon' });
    await api().ok('PUT', '/api/v1/registry/overrides', {
      selector: { service: 'soon' },
      status: 'maintenance',
      until: iso((await clock.now()) + unhurried(3_000)),
    });
    await waitFor('the short one has ended', async () => {
      return (await api().ok('GET', named('soon', 'soon'))).status === 'healthy';
    });
    expect((await api().read(early['overridden']!.id)).status).toBe('maintenance');
    // No node was away: it is ten minutes later.
    await clock.set(600);
    await waitFor('it has ended', async () => (await api().read(early['overridden']!.id)).status === 'healthy');
    const [ended] = (await eventsOf(api(), `instance=${early['overridden']!.id}`)).slice(-1);
    expect(ended).toMatchObject({ action: 'instance.override_cleared', actor: 'system:liveness' });
    await clock.set(0);
  });

  it('the log does not fall, verifies, and tells the past up to its newest event', async () => {
    const { events } = await assertCatalogInvariants(database.url);
    const newest = events.at(-1)!;
    expect(newest.at > iso(await clock.now())).toBe(true);
    expect(await api().ok('GET', '/api/v1/audit/verify')).toMatchObject({ valid: true });
    const asOf = async (time: string) =>
      await api().get(`/api/v1/discovery/services/orders/instances?status=any&asOf=${time}`);
    expect((await asOf(newest.at)).status).toBe(200);
    expect((await asOf(iso(await clock.now()))).status).toBe(200);
    expect((await asOf(iso(Date.parse(newest.at) + HOUR * 1_000))).status).toBe(400);
    await api().register({ instanceId: 'after-asking' });
    const told = await eventsOf(api(), `from=${newest.at}`);
    expect(told.at(-1)).toMatchObject({ instanceId: 'after-asking' });
  });

  it('forcing a guard goes by the clock of the database, whatever that of the node says', async () => {
    await clock.set(-HOUR);
    const body = { action: 'force', scope: 'all', reason: 'test' };
    const { until } = await api().ok<{ until: string }>('POST', '/api/v1/liveness/guard', body);
    expect(Date.parse(until)).toBeLessThan(Date.now() - 30 * MINUTE_MS);
    const soon = iso((await clock.now()) + MINUTE_MS);
    expect(await api().ok('POST', '/api/v1/liveness/guard', { ...body, until: soon })).toMatchObject({ until: soon });
    const farther = iso((await clock.now()) + 25 * HOUR * 1_000);
    expect((await api().send('POST', '/api/v1/liveness/guard', { ...body, until: farther })).status).toBe(400);
    await waitFor('it holds', async () => {
      const { guards } = await api().ok<{ guards: { reason: string }[] }>('GET', '/api/v1/liveness');
      return guards.some(({ reason }) => reason === 'operator');
    });
  });
});
