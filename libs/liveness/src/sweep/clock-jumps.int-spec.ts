import { type RoleTerm, TermEndedError } from '@coordination/leadership';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { anIdentity, anOrigin, aSpec, registerCommand } from '../../../../test/support/catalog/factories.js';
import { MovableClock } from '../../../../test/support/database/movable-clock.js';
import {
  FLUSH_BOUND_MS,
  renew,
  startSweepingNode,
  type SweepingNode,
} from '../../../../test/support/catalog/sweeping-node.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { type GuardState } from '../guard/guard-state.js';
import { LivenessGuardRepository } from '../guard/liveness-guard.repository.js';

const HOUR = 3_600;
const TTL = 30;
const DEREGISTER_AFTER = 900;
/** After so long (s) without a renewal, the lease has expired and its end is acted on. */
const OVER = TTL + FLUSH_BOUND_MS / 1_000;
/** The longest time (s) that a test itself takes, on a slow machine. */
const SLACK = 15;

let database: TestDatabase;
let clock: MovableClock;
let node: SweepingNode;
let other: SweepingNode;
let term: RoleTerm;

beforeEach(async () => {
  database = await createTestDatabase();
  clock = await MovableClock.install(database);
  node = await startSweepingNode(database.url);
  other = await startSweepingNode(database.url);
});

afterEach(async () => {
  await assertCatalogInvariants(database.url);
  await Promise.all([node.close(), other.close()]);
  await clock.close();
  await database.drop();
});

async function register(count: number, service = 'orders', deregisterAfterSeconds = DEREGISTER_AFTER) {
  const spec = aSpec({ check: { kind: 'heartbeat', ttlSeconds: TTL, deregisterAfterSeconds } });
  const commands = Array.from({ length: count }, (_, n) =>
    registerCommand({ identity: anIdentity({ service, instanceId: `i-${n}` }), spec }),
  );
  const { results } = await node.submit(...commands);
  return results.map(({ leased }) => leased!.instance.id);
}

/** The clock is so many seconds ahead; there was no outage by it, and a node holds the role. */
async function at(seconds: number, sweeper = node): Promise<void> {
  await clock.set(seconds);
  term = (await sweeper.claim())!;
  await clock.sql(`update node_role set back_since = now() - interval '1 day'`);
}

const sweep = async () => void (await node.sweep(term));

const statusOf = async (ids: readonly string[]) => {
  const rows = await clock.sql<{ id: string; status: string }>('select id, status from service_instance');
  return ids.map(id => rows.find(row => row.id === id)?.status ?? 'gone');
};

const silence = (ids: readonly string[], seconds = 40) =>
  clock.sql(`update instance_lease set renewed_at = now() - make_interval(secs => $2) where instance_id = any($1)`, [
    ids,
    seconds,
  ]);

const guards = (): Promise<GuardState[]> => new LivenessGuardRepository().findStates(node.databases.em('reads'));

const operator = { reason: 'ordered', origin: anOrigin({ actor: 'ada' }) };
const ORDERS = { kind: 'service', namespace: 'default', service: 'orders' } as const;

describe('After the clock of the database was an hour ahead and is corrected', () => {
  it('the lease of an instance that died before ends one ttl later', async () => {
    await at(HOUR);
    const ids = await register(3);
    await at(0);
    await sweep();
    expect(await statusOf(ids)).toEqual(['healthy', 'healthy', 'healthy']);
    await at(TTL - SLACK);
    await sweep();
    expect(await statusOf(ids)).toEqual(['healthy', 'healthy', 'healthy']);
    await at(OVER + SLACK);
    await sweep();
    expect(await statusOf(ids)).toEqual(['unhealthy', 'unhealthy', 'unhealthy']);
  });

  it('another node takes the role and ends leases, even if the holder never returns', async () => {
    await at(HOUR);
    const ids = await register(2);
    await clock.set(0);
    term = (await other.claim())!;
    expect(term.holder).toBe(other.holder);
    await other.sweep(term);
    await clock.set(OVER + SLACK);
    term = (await other.claim())!;
    await other.sweep(term);
    expect(await statusOf(ids), 'nor was there an outage').toEqual(['unhealthy', 'unhealthy']);
  });

  it('a lapsed instance is deregistered when its time is over, counted from the correction, with the reason in the log', async () => {
    await at(HOUR);
    const ids = await register(2);
    await at(HOUR + OVER + 1);
    await sweep();
    expect(await statusOf(ids)).toEqual(['unhealthy', 'unhealthy']);
    await at(0);
    await sweep();
    const { events } = await assertCatalogInvariants(database.url);
    expect(events.at(-1)).toMatchObject({
      action: 'instance.health_changed',
      actor: 'system:liveness',
      reason: expect.stringContaining('by a clock that was set back: its time begins again') as string,
    });
    await sweep();
    expect((await assertCatalogInvariants(database.url)).events, 'once').toHaveLength(events.length);
    await at(DEREGISTER_AFTER - SLACK);
    await sweep();
    expect(await statusOf(ids)).toEqual(['unhealthy', 'unhealthy']);
    await at(DEREGISTER_AFTER + SLACK);
    await sweep();
    expect(await statusOf(ids)).toEqual(['gone', 'gone']);
  });

  it('an instance that is never deregistered, or is in maintenance, stays', async () => {
    await at(HOUR);
    const [endless = ''] = await register(1, 'endless', 0);
    const [kept = ''] = await register(1, 'kept');
    const maintenance = { kind: 'set-override', target: { id: kept }, status: 'maintenance' } as const;
    await node.submit({ ...maintenance, reason: null, until: null });
    await at(HOUR + OVER + 1);
    await sweep();
    await at(0);
    await sweep();
    const { events } = await assertCatalogInvariants(database.url);
    await at(HOUR / 2);
    await sweep();
    expect(await statusOf([endless, kept])).toEqual(['unhealthy', 'maintenance']);
    expect((await assertCatalogInvariants(database.url)).events).toHaveLength(events.length);
  });

  it('a heartbeat renews the lease, and heals an instance that had lapsed', async () => {
    await at(HOUR);
    const [living = '', lapsed = ''] = await register(2);
    await silence([lapsed]);
    await sweep();
    await silence([lapsed], -5);
    await clock.set(0);
    const before = await clock.now();
    expect(await renew(node, [living, lapsed])).toEqual([lapsed]);
    const leases = await clock.sql<{ at: Date }>('select renewed_at as at from instance_lease');
    for (const lease of leases) {
      expect(lease.at.getTime()).toBeGreaterThanOrEqual(before);
      expect(lease.at.getTime()).toBeLessThanOrEqual(await clock.now());
    }
  });

  it('a guard does not hold for an hour longer', async () => {
    await at(HOUR);
    const ids = await register(20);
    await silence(ids.slice(0, 14));
    await sweep();
    const [before] = await guards();
    await at(0);
    // They do not renew their leases, so it has to hold.
    await silence(ids.slice(0, 14));
    await sweep();
    const [after] = await guards();
    expect(after).toMatchObject({ phase: 'holding', reason: 'service-share', wouldExpire: 14 });
    expect(Date.parse(after!.until)).toBeLessThan(Date.parse(before!.since) - 2_000 * 1_000);
    expect(await statusOf(ids.slice(0, 1))).toEqual(['healthy']);
  });

  it('an override that ends guards does not leave the catalog without a guard for an hour', async () => {
    await at(HOUR);
    const ids = await register(20);
    await node.overrides.end({ ...operator, scope: { kind: 'all' } });
    await at(0);
    await silence(ids.slice(0, 14));
    await sweep();
    expect(await guards()).toMatchObject([{ scope: ORDERS, reason: 'service-share' }]);
    expect(await statusOf(ids.slice(0, 1))).toEqual(['healthy']);
    await at(HOUR + 1);
    expect(await clock.sql('select from liveness_order'), 'nor does it take effect later').toEqual([]);
  });

  it('a forced guard holds until the requested time, and the latest override counts', async () => {
    await at(HOUR);
    const ids = await register(3);
    const until = new Date((await clock.now()) + 600_000).toISOString();
    await node.overrides.force({ ...operator, scope: { kind: 'all' }, until });
    await sweep();
    await at(0);
    await silence(ids);
    await sweep();
    expect(await statusOf(ids)).toEqual(['healthy', 'healthy', 'healthy']);
    expect(await guards()).toMatchObject([{ scope: { kind: 'all' }, reason: 'operator', until }]);
    await node.overrides.end({ ...operator, scope: ORDERS });
    await sweep();
    expect(await statusOf(ids), 'it was ended later, at an earlier time by the clock').toEqual([
      'unhealthy',
      'unhealthy',
      'unhealthy',
    ]);
  });

  it('leases whose end was acted on do not count as a fault', async () => {
    await at(HOUR);
    const ids = await register(20);
    // Long ago, one by one.
    await silence(ids.slice(0, 6), HOUR / 2);
    await sweep();
    await silence(ids.slice(0, 6), 600);
    await at(0);
    await renew(node, ids.slice(6));
    await silence(ids.slice(6, 8));
    await sweep();
    expect(await guards()).toEqual([]);
    expect((await statusOf(ids.slice(6, 9))).toSorted()).toEqual(['healthy', 'unhealthy', 'unhealthy']);
  });
});

describe('After the clock of the database was set an hour ahead', () => {
  it('no lease ends at once: each lasts once more, and those of dead instances end then', async () => {
    await at(0);
    const ids = await register(60);
    await clock.set(HOUR);
    await expect(node.sweep(term), 'the term is over').rejects.toThrow(TermEndedError);
    expect(new Set(await statusOf(ids))).toEqual(new Set(['healthy']));
    term = (await other.claim())!;
    await other.sweep(term);
    expect(new Set(await statusOf(ids))).toEqual(new Set(['healthy']));
    expect(await guards()).toMatchObject([{ scope: { kind: 'all' }, reason: 'store-away', wouldExpire: 60 }]);
    await renew(node, ids.slice(5));
    await clock.set(HOUR + OVER + SLACK);
    await renew(node, ids.slice(5));
    term = (await other.claim())!;
    await other.sweep(term);
    expect((await statusOf(ids)).filter(status => status === 'unhealthy')).toHaveLength(5);
  });
});

describe('A clock that jumps', () => {
  it('back and forth, by hours and by seconds: live instances stay, times of the log do not decrease, dead instances end', async () => {
    await at(0);
    const [dead = '', ...living] = await register(12);
    for (const seconds of [HOUR, 0, HOUR, -HOUR, 2, 0, -2, HOUR / 2, -HOUR, 1, 0]) {
      await clock.set(seconds);
      await renew(node, living);
      term = (await node.claim())!;
      await node.sweep(term);
      await register(1, `at-${seconds}`);
      await node.sweep(term);
      const statuses = await statusOf(living);
      expect(new Set(statuses), `after ${seconds} s`).toEqual(new Set(['healthy']));
    }
    await clock.set(OVER + SLACK);
    await renew(node, living);
    term = (await node.claim())!;
    await node.sweep(term);
    expect(await statusOf([dead])).toEqual(['unhealthy']);
    expect(new Set(await statusOf(living))).toEqual(new Set(['healthy']));
  });
});
