import { type LogEvent } from '@coordination/log';
import { EVENT_COLUMNS } from '@coordination/log/testing';
import { type RoleTerm } from '@coordination/leadership';
import { Metrics } from '@coordination/observability';
import { type Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPEN_SCHEMA, someTasks } from '../../../../test/support/nodes/background-tasks.js';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { anIdentity, anOrigin, registerCommand } from '../../../../test/support/catalog/factories.js';
import {
  claimLongAgo,
  createSweptDatabase,
  type SweptDatabase,
} from '../../../../test/support/catalog/swept-database.js';
import { renew, startSweepingNode, type SweepingNode } from '../../../../test/support/catalog/sweeping-node.js';
import { GuardStates } from '../guard/guard-states.js';
import { LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { type GuardScope } from '../guard/guard-state.js';

let swept: SweptDatabase;
let node: SweepingNode;
let term: RoleTerm;
let client: Client;

beforeEach(async () => {
  swept = await createSweptDatabase();
  ({ node, client } = swept);
  term = await claimLongAgo(swept);
});

afterEach(() => swept.close());

async function register(count: number, service: string): Promise<string[]> {
  const commands = Array.from({ length: count }, (_, n) =>
    registerCommand({ identity: anIdentity({ service, instanceId: `i-${n}` }) }),
  );
  const { results } = await node.submit(...commands);
  return results.map(({ leased }) => leased!.instance.id);
}

/** Makes their last renewal so many seconds old. */
const silence = (ids: readonly string[], seconds = 40) =>
  client.query(`update instance_lease set renewed_at = now() - make_interval(secs => $2) where instance_id = any($1)`, [
    ids,
    seconds,
  ]);

const unhealthy = async (service: string): Promise<number> => {
  const text = `select from service_instance where service = $1 and status = 'unhealthy'`;
  return (await client.query(text, [service])).rowCount ?? 0;
};

/** Lets time pass for guards, overrides and lapsed leases. */
const pass = (seconds: number) =>
  client.query(
    `with guard as (update liveness_guard set since = since - make_interval(secs => ${seconds}),
       until = until - make_interval(secs => ${seconds})),
     lease as (update instance_lease set renewed_at = renewed_at - make_interval(secs => ${seconds}) where lapsed)
     update liveness_order set ordered_at = ordered_at - make_interval(secs => ${seconds}),
       until = until - make_interval(secs => ${seconds})`,
  );

const guardEvents = async (): Promise<LogEvent[]> =>
  (
    await client.query<LogEvent>(
      `select ${EVENT_COLUMNS} from service_event where action like 'liveness.%' order by service_event.revision`,
    )
  ).rows;

const guardsNow = async () => {
  const guards = new LivenessGuardRepository();
  const states = new GuardStates(node.databases, guards, new Metrics(), someTasks(), OPEN_SCHEMA);
  await states.refresh();
  return states;
};

const ORDERS: GuardScope = { kind: 'service', namespace: 'default', service: 'orders' };
const operator = (reason: string) => ({ reason, origin: anOrigin({ actor: 'ada' }) });

describe('When most leases of a service expire', () => {
  it('none of them ends, others do, and all nodes know the guard with its counts', async () => {
    const orders = await register(20, 'orders');
    const pay = await register(20, 'pay');
    await silence(orders.slice(0, 14));
    await silence(pay.slice(0, 2));
    await node.sweep(term);
    await node.sweep(term);
    expect([await unhealthy('orders'), await unhealthy('pay')]).toEqual([0, 2]);
    const states = await guardsNow();
    expect(states.of('default', 'pay')).toBeUndefined();
    expect(states.of('default', 'orders')).toMatchObject({
      active: true,
      scope: ORDERS,
      phase: 'holding',
      reason: 'service-share',
      wouldExpire: 14,
      of: 20,
      limit: 0.3,
    });
    expect(await guardEvents()).toMatchObject([
      {
        action: 'liveness.guard_began',
        actor: 'system:liveness',
        reason: '14 of 20 leases, limit 0.3: service-share',
        after: { scope: ORDERS, wouldExpire: 14, of: 20 },
      },
    ]);
    await assertCatalogInvariants(swept.database.url);
  });

  it('the guard ends by itself when leases are renewed again, and the others then end', async () => {
    const orders = await register(20, 'orders');
    await silence(orders.slice(0, 14));
    await node.sweep(term);
    await renew(node, orders.slice(0, 9));
    await node.sweep(term);
    expect((await guardsNow()).current()).toEqual([]);
    await node.sweep(term);
    expect(await unhealthy('orders')).toBe(5);
    expect((await guardEvents()).map(({ action }) => action)).toEqual(['liveness.guard_began', 'liveness.guard_ended']);
  });

  it('the guard counts leases that expire one after the other', async () => {
    const orders = await register(20, 'orders');
    for (let n = 0; n < 9; n++) {
      await silence([orders[n]!]);
      await node.sweep(term);
    }
    expect(await unhealthy('orders'), 'they ended up to the share').toBe(6);
    expect((await guardsNow()).of('default', 'orders')).toMatchObject({ wouldExpire: 9, of: 20 });
  });

  it('the guard continues when another node takes over, and waiting does not end it', async () => {
    const orders = await register(20, 'orders');
    await silence(orders.slice(0, 14));
    await node.sweep(term);
    const [before] = (await guardsNow()).current();
    await pass(300);
    await client.query('update node_role set expires_at = now()');
    const next = await startSweepingNode(swept.database.url);
    try {
      await next.sweep((await next.claim())!);
    } finally {
      await next.close();
    }
    const [after] = (await guardsNow()).current();
    expect(Date.parse(before!.since) - Date.parse(after!.since)).toBe(300_000);
    expect(await unhealthy('orders')).toBe(0);
  });

  it('the guard lets a few leases end at a time when its time is over', async () => {
    const orders = await register(20, 'orders');
    await silence(orders.slice(0, 14));
    await node.sweep(term);
    await pass(600);
    for (const expected of [3, 6, 9, 12, 14]) {
      await node.sweep(term, 1_000);
      expect(await unhealthy('orders')).toBe(expected);
      const [state] = (await guardsNow()).current();
      if (expected < 14) expect(state).toMatchObject({ phase: 'releasing', wouldExpire: 14 });
    }
    await node.sweep(term);
    expect((await guardsNow()).current(), 'all leases have ended').toEqual([]);
    await node.sweep(term);
    expect((await guardsNow()).current(), 'the same leases do not make it begin again').toEqual([]);
  });
});

describe('When a share of all leases expires', () => {
  it('no lease ends, though the share of no service is large', async () => {
    const all: string[] = [];
    for (let n = 0; n < 12; n++) {
      const ids = await register(5, `s-${n}`);
      all.push(ids[0]!);
    }
    await silence(all.slice(0, 9));
    await node.sweep(term);
    expect(await unhealthy('s-0'), '9 of 60').toBe(1);
    await silence(all.slice(9));
    await node.sweep(term);
    expect(await unhealthy('s-11')).toBe(0);
    const states = await guardsNow();
    expect(states.of('default', 's-11')).toMatchObject({
      scope: { kind: 'all' },
      reason: 'total-share',
      wouldExpire: 12,
    });
  });

  it('a lease under an override does not count', async () => {
    const orders = await register(20, 'orders');
    for (const id of orders.slice(0, 12)) {
      await node.submit({ kind: 'set-override', target: { id }, status: 'stopping', reason: null, until: null });
    }
    await silence(orders.slice(0, 14));
    await node.sweep(term);
    expect((await guardsNow()).current()).toEqual([]);
    expect(await unhealthy('orders')).toBe(2);
  });
});

describe('An operator', () => {
  it('ends a guard, and the log has who and why', async () => {
    const orders = await register(20, 'orders');
    await silence(orders.slice(0, 14));
    await node.sweep(term);
    await node.overrides.end({ scope: ORDERS, ...operator('the rack was taken away') });
    await node.sweep(term);
    expect(await unhealthy('orders')).toBe(14);
    await silence(orders.slice(14));
    await node.sweep(term);
    expect(await unhealthy('orders'), 'no guard begins for the length of the window').toBe(20);
    await pass(61);
    await node.sweep(term);
    expect((await guardsNow()).current()).toEqual([]);
    expect(await guardEvents()).toMatchObject([
      { action: 'liveness.guard_began' },
      { action: 'liveness.guard_ended', actor: 'ada', reason: 'the rack was taken away', after: { scope: ORDERS } },
    ]);
  });

  it('forces a guard until a time, whatever the counts are', async () => {
    const orders = await register(20, 'orders');
    const until = new Date(Date.now() + 3_600_000).toISOString();
    await node.overrides.force({ scope: ORDERS, until, ...operator('network maintenance') });
    await silence(orders.slice(0, 2));
    await node.sweep(term);
    expect(await unhealthy('orders')).toBe(0);
    expect((await guardsNow()).of('default', 'orders')).toMatchObject({
      reason: 'operator',
      detail: 'network maintenance',
      until,
      wouldExpire: 2,
    });
    await pass(3_700);
    await node.sweep(term);
    expect(await unhealthy('orders')).toBe(2);
    expect((await guardEvents()).map(({ action, actor }) => `${action} ${actor}`)).toEqual([
      'liveness.guard_forced ada',
      'liveness.guard_ended system:liveness',
    ]);
  });

  it('ends the longer time of leases after a stall with the guard over all, and sees it until then', async () => {
    const orders = await register(8, 'orders');
    await silence(orders, 35);
    const now = Date.now();
    const [from, until] = [new Date(now - 21_000), new Date(now - 1_000)].map(time => time.toISOString());
    const stall = { from, until, ms: 20_000 };
    await client.query('update node_role set stalls = $1', [JSON.stringify([stall])]);
    await node.sweep(term);
    expect(await unhealthy('orders')).toBe(0);
    expect((await guardsNow()).current()).toMatchObject([
      { scope: { kind: 'all' }, reason: 'node-stalled', since: stall.until, wouldExpire: 8, of: 8 },
    ]);
    await node.overrides.end({ scope: { kind: 'all' }, ...operator('they are gone') });
    await node.sweep(term);
    expect(await unhealthy('orders')).toBe(8);
    expect((await guardsNow()).current()).toEqual([]);
  });

  it('ends the longer time of leases after an outage with the guard over all', async () => {
    const orders = await register(8, 'orders');
    await silence(orders, 100);
    await client.query(`update node_role set back_since = now()`);
    await node.sweep(term);
    expect(await unhealthy('orders')).toBe(0);
    await node.overrides.end({ scope: { kind: 'all' }, ...operator('they are gone') });
    await node.sweep(term);
    expect(await unhealthy('orders')).toBe(8);
  });
});
