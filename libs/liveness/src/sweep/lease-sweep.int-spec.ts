import { type LogEvent } from '@coordination/log';
import { EVENT_COLUMNS } from '@coordination/log/testing';
import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '@coordination/kernel';
import { type InstanceSpec } from '@coordination/catalog';
import { NodeRoleRepository, type RoleTerm, TermEndedError } from '@coordination/leadership';
import { type Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { anIdentity, anOrigin, aSpec, registerCommand } from '../../../../test/support/catalog/factories.js';
import { seeded } from '../../../../test/support/http/mixed-load.js';
import {
  claimLongAgo,
  createSweptDatabase,
  type SweptDatabase,
} from '../../../../test/support/catalog/swept-database.js';
import { renew, ROLE, startSweepingNode, type SweepingNode } from '../../../../test/support/catalog/sweeping-node.js';
import { type TestDatabase } from '../../../../test/support/database/test-database.js';
import { eventually } from '../../../../test/support/time/eventually.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';

let swept: SweptDatabase;
let database: TestDatabase;
let node: SweepingNode;
let other: SweepingNode;
let term: RoleTerm;
let client: Client;

beforeEach(async () => {
  swept = await createSweptDatabase();
  ({ database, node, client } = swept);
  other = await startSweepingNode(database.url);
  term = await claimLongAgo(swept);
});

afterEach(async () => {
  await other.close();
  await swept.close();
});

const check = (ttlSeconds: number | null = 30, deregisterAfterSeconds = 900): InstanceSpec['check'] => ({
  kind: 'none',
  ttlSeconds,
  deregisterAfterSeconds,
});

/** Registers instances of a service. @returns their ids */
async function register(count: number, service = 'orders', own = check()): Promise<string[]> {
  const commands = Array.from({ length: count }, (_, n) =>
    registerCommand({ identity: anIdentity({ service, instanceId: `i-${n}` }), spec: aSpec({ check: own }) }),
  );
  const { results } = await node.submit(...commands);
  return results.map(({ leased }) => leased!.instance.id);
}

/** Makes the last renewals so many seconds old. */
const age = (ids: readonly string[], seconds: number) =>
  client.query(`update instance_lease set renewed_at = now() - make_interval(secs => $2) where instance_id = any($1)`, [
    ids,
    seconds,
  ]);

/** Lets time pass for lapsed leases. */
const ageHealth = (seconds: number) =>
  client.query(
    `update service_instance set health = jsonb_set(health, '{since}', to_jsonb(
       to_char((health ->> 'since')::timestamptz at time zone 'UTC' - make_interval(secs => $1), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))`,
    [seconds],
  );

const events = async (): Promise<LogEvent[]> =>
  (await client.query<LogEvent>(`select ${EVENT_COLUMNS} from service_event order by service_event.revision`)).rows;

const expiries = async () => (await events()).filter(event => event.actor === 'system:liveness');

const statusOf = async (ids: readonly string[]): Promise<(string | undefined)[]> => {
  const { rows } = await client.query<{ id: string; status: string }>('select id, status from service_instance');
  const statuses = new Map(rows.map(({ id, status }) => [id, status]));
  return ids.map(id => statuses.get(id));
};

describe('A sweep', () => {
  it('makes instances unhealthy whose lease has expired, and no others', async () => {
    const [over = '', lasting = ''] = await register(2);
    await age([over], 31.5);
    await age([lasting], 10);
    await node.sweep(term);
    expect(await statusOf([over, lasting])).toEqual(['unhealthy', 'healthy']);
    expect(await expiries()).toMatchObject([
      {
        action: 'instance.health_changed',
        instanceUuid: over,
        source: 'system',
        reason: expect.stringMatching(/^the lease of 30 s ended: no sign of life since /) as string,
      },
    ]);
    await assertCatalogInvariants(database.url);
  });

  it('adds the bound of a flush to the ttl', async () => {
    let count = 0;
    // The bound is a second: a machine that needs longer for a sweep tries again, with another lease.
    await eventually(async () => {
      const [lasting = ''] = await register(1, `lasting-${++count}`);
      await age([lasting], 30.1);
      await node.sweep(term);
      expect(await statusOf([lasting])).toEqual(['healthy']);
    });
  });

  it('ends all leases but one that cannot be ended, reports that one, and ends it as soon as possible', async () => {
    const ids = await register(7);
    await age(ids, 40);
    const refused = ids[3]!;
    await client.query(
      `alter table service_instance add constraint no_end check (id <> '${refused}' or status <> 'unhealthy')`,
    );
    await expect(node.sweep(term)).rejects.toThrow(
      `1 of 7 expired leases could not be ended, among them that of ${refused}: (body): breaks the rule no_end`,
    );
    const others = ids.filter(id => id !== refused);
    expect(await statusOf(others)).toEqual(others.map(() => 'unhealthy'));
    expect(await statusOf([refused])).toEqual(['healthy']);
    await expect(node.sweep(term), 'it is tried again').rejects.toThrow('1 of 1 expired leases');
    await client.query('alter table service_instance drop constraint no_end');
    await node.sweep(term);
    expect(await statusOf([refused])).toEqual(['unhealthy']);
    expect(await expiries()).toHaveLength(7);
    await assertCatalogInvariants(database.url);
  });

  it('acts once, however often it runs', async () => {
    await age(await register(3), 40);
    for (let n = 0; n < 4; n++) await node.sweep(term);
    expect(await expiries()).toHaveLength(3);
  });

  it('deregisters instances that have been unhealthy for long enough', async () => {
    const [id = ''] = await register(1, 'orders', check(30, 60));
    await age([id], 100);
    await node.sweep(term);
    await node.sweep(term);
    expect(await statusOf([id])).toEqual(['unhealthy']);
    await ageHealth(60);
    await node.sweep(term);
    expect(await statusOf([id])).toEqual([undefined]);
    const last = (await expiries()).at(-1);
    expect(last).toMatchObject({ action: 'instance.expired', instanceUuid: id, after: null });
  });

  it('never deregisters instances without `deregisterAfterSeconds`, in maintenance, or with an endless lease', async () => {
    const forever = await register(1, 'forever', check(30, 0));
    const endless = await register(1, 'endless', check(null, 1));
    const maintained = await register(1, 'maintained', check(30, 1));
    const stopping = await register(1, 'stopping', check(30, 1));
    const override = { kind: 'set-override', reason: null, until: null } as const;
    await node.submit({ ...override, target: { id: maintained[0]! }, status: 'maintenance' });
    await node.submit({ ...override, target: { id: stopping[0]! }, status: 'stopping' });
    const all = [...forever, ...endless, ...maintained, ...stopping];
    await age(all, 1e6);
    await node.sweep(term);
    await ageHealth(1e5);
    await node.sweep(term);
    expect(await statusOf(all)).toEqual(['unhealthy', 'healthy', 'maintenance', undefined]);
    await node.submit({ kind: 'clear-override', target: { id: maintained[0]! } });
    await node.sweep(term);
    expect(await statusOf(maintained), 'maintenance is over').toEqual([undefined]);
  });

  it('is followed by another one after a heartbeat has healed the instance', async () => {
    const [id = ''] = await register(1);
    await age([id], 40);
    await node.sweep(term);
    await node.submit({ kind: 'heartbeat', target: { id } });
    await node.sweep(term);
    expect(await statusOf([id])).toEqual(['healthy']);
    await age([id], 40);
    await node.sweep(term);
    expect(await statusOf([id])).toEqual(['unhealthy']);
    await assertCatalogInvariants(database.url);
  });

  it('waits one more ttl after an outage', async () => {
    const [short = '', long = ''] = [...(await register(1, 'short', check(5))), ...(await register(1, 'long'))];
    await age([short, long], 300);
    await client.query(`update node_role set back_since = now() - interval '10 s'`);
    await node.sweep(term);
    expect(await statusOf([short, long])).toEqual(['unhealthy', 'healthy']);
    const { rows } = await client.query('select namespace, reason, would_expire, of_leases from liveness_guard');
    expect(rows).toEqual([{ namespace: '*', reason: 'store-away', would_expire: 1, of_leases: 2 }]);
    await renew(node, [long]);
    await node.sweep(term);
    expect((await client.query('select from liveness_guard')).rowCount, 'leases are renewed again').toBe(0);
    expect((await events()).slice(-2).map(({ action }) => action)).toEqual([
      'instance.health_changed',
      'liveness.guard_ended',
    ]);
  });
});

describe('A heartbeat that races with a sweep', () => {
  it('wins if it was stored before, and heals if it was stored after: it is never lost', async () => {
    const ids = await register(9);
    const random = seeded(7);
    for (let round = 0; round < 40; round++) {
      await age(ids, 40);
      const shuffled = ids.filter(() => random() < 0.6);
      const sweep = node.sweep(term);
      await delay(random() * 25);
      const revived = await renew(other, shuffled);
      await sweep;
      const statuses = await statusOf(shuffled);
      const lost = shuffled.filter((id, n) => statuses[n] === 'unhealthy' && !revived.includes(id));
      expect(lost, 'a heartbeat was stored, the instance is unhealthy, and was not returned to be healed').toEqual([]);
      await node.submit(...ids.map(id => ({ kind: 'heartbeat', target: { id } }) as const));
    }
    await assertCatalogInvariants(database.url);
  });
});

describe('Two sweepers', () => {
  it('cannot hold the role at the same time; the second gets it when the first has lost it, in another term', async () => {
    expect(await other.claim()).toBeUndefined();
    await client.query('update node_role set expires_at = now()');
    const next = await other.claim();
    expect(next).toEqual({ role: ROLE, holder: other.holder, term: term.term + 1 });
    expect(await node.claim()).toBeUndefined();
  });

  it('that both consider themselves in the term act once', async () => {
    for (let n = 0; n < 40; n++) await age(await register(1, `service-${n}`, check(30, 1)), 40);
    await waitFor('all are gone', async () => {
      await Promise.all([node.sweep(term), node.sweep({ ...term }), node.sweep(term)]);
      return (await client.query('select from service_instance')).rowCount === 0;
    });
    const { events: log } = await assertCatalogInvariants(database.url);
    // Concurrent sweeps may count a lease twice, and begin a guard sooner than a single one; that is not tested here.
    const done = log.filter(({ actor, instanceUuid }) => actor === 'system:liveness' && instanceUuid !== null);
    expect(new Set(done.map(({ action, instanceUuid }) => `${action} ${instanceUuid}`)).size).toBe(done.length);
    expect(done).toHaveLength(80);
  });

  it('do nothing in a term that is over: a node that was paused does no harm when it continues', async () => {
    const [id = ''] = await register(1);
    await age([id], 40);
    await client.query('update node_role set expires_at = now()');
    const next = (await other.claim())!;
    await node.sweep(term);
    expect(await statusOf([id])).toEqual(['healthy']);
    const allowance = { flushBoundMs: 1_000, recoveringSince: null, maxGraceMs: 600_000, stalls: [] };
    const late = node.writer.submit({
      commands: [{ kind: 'expire', target: { id }, whenAbsent: 'ignore', allowance }],
      origin: anOrigin(),
      term,
    });
    await expect(late, 'with the plan from before it was paused').rejects.toThrow(TermEndedError);
    expect(await statusOf([id])).toEqual(['healthy']);
    await other.sweep(next);
    expect(await statusOf([id])).toEqual(['unhealthy']);
  });

  it('do nothing when a term ran out and no node took the role', async () => {
    const [id = ''] = await register(1);
    await age([id], 40);
    await client.query('update node_role set expires_at = now()');
    const late = node.writer.submit({
      commands: [
        {
          kind: 'expire',
          target: { id },
          allowance: { flushBoundMs: 1_000, recoveringSince: null, maxGraceMs: 600_000, stalls: [] },
        },
      ],
      origin: anOrigin(),
      term,
    });
    await expect(late).rejects.toThrow(TermEndedError);
    expect((await node.claim())?.term, 'it is another term after a break').toBe(term.term + 1);
  });

  it('get the role even if its end is in the far future, because the clock was set back', async () => {
    await client.query(`update node_role set expires_at = now() + interval '1 hour'`);
    expect(await other.claim()).toMatchObject({ holder: other.holder, term: term.term + 1 });
  });
});

const claimed = async (holder: string) => {
  const claim = { role: ROLE, holder, lastsMs: 3_000, awayAfterMs: 60_000 };
  await new NodeRoleRepository().claim(node.databases.em('liveness'), claim);
  const { rows } = await client.query<{ age: number }>(
    'select extract(epoch from now() - back_since)::float8 as age from node_role',
  );
  return rows[0]!.age;
};

describe('An outage', () => {
  it('is over when any node claims the role again', async () => {
    await client.query(`update node_role set witnessed_at = now() - interval '61 s'`);
    expect(await claimed(newId())).toBeLessThan(60);
  });

  it('is not recorded as long as any node claims the role', async () => {
    await client.query(`update node_role set witnessed_at = now() - interval '1 s'`);
    expect(await claimed(newId())).toBeGreaterThan(80_000);
  });
});
