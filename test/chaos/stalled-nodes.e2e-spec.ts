import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Api, INSTANCES } from '../support/http/api.js';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { HeartbeatingFleet } from '../support/catalog/heartbeating-fleet.js';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { type DisposableDirectory, disposableDirectory } from '../support/disposable-directory.js';
import { metricOf } from '../support/nodes/metrics.js';
import { type SpawnedNode, spawnLoadedNode } from '../support/nodes/spawned-node.js';
import { unhurried } from '../support/time/slowness.js';
import { waitFor } from '../support/time/wait-for.js';

const TTL_SECONDS = unhurried(5);

/** A stall of this length is longer than a lease, and than a node may be silent before another one takes the role. */
const LONG_MS = (TTL_SECONDS + 4) * 1_000;

let directory: DisposableDirectory;
let database: TestDatabase;
let client: Client;
let nodes: SpawnedNode[];
let fleet: HeartbeatingFleet | undefined;

beforeAll(() => {
  directory = disposableDirectory();
});
beforeEach(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
  nodes = [];
});
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
  for (const { process } of nodes) {
    process.signal('SIGCONT');
    process.signal('SIGTERM');
    await process.ended;
  }
  await client.end();
  await database.drop();
});
afterAll(() => directory.remove());

async function startNode(): Promise<SpawnedNode> {
  const node = await spawnLoadedNode(directory, database.url);
  nodes.push(node);
  return node;
}

/** Waits until this node ends leases. */
const untilSweeping = (node: SpawnedNode) =>
  waitFor('the node ends leases', async () => (await metricOf(node.api, 'pcs_lease_sweeper')) === 1);

/** Stops a process, and lets it continue after so many ms. */
async function stopFor({ process }: SpawnedNode, ms: number, meanwhile = async () => {}): Promise<void> {
  process.signal('SIGSTOP');
  const stoppedAt = performance.now();
  await meanwhile();
  await waitFor('the time is over', () => performance.now() - stoppedAt >= ms);
  process.signal('SIGCONT');
}

/** Registers instances in one request, so that none of them is old when the last one is there. @returns their ids */
async function register(api: Api, count: number): Promise<string[]> {
  const instances = Array.from({ length: count }, (_, n) => ({
    service: 'orders',
    instanceId: `i-${n}`,
    host: '10.0.0.9',
    port: 80,
    check: { kind: 'heartbeat', ttlSeconds: TTL_SECONDS },
  }));
  const { results } = await api.ok<{ results: { instance: { id: string } }[] }>('POST', `${INSTANCES}/batch`, {
    instances,
  });
  return results.map(({ instance: { id } }) => id);
}

const heartbeat = (api: Api, id: string) => api.send('PUT', `${INSTANCES}/${id}/heartbeat`);

/** The instances whose lease was ended, in the order of the log. */
async function ended(): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `select instance_uuid as id from service_event
     where actor = 'system:liveness' and action in ('instance.health_changed', 'instance.expired')
       and coalesce(after -> 'health' ->> 'state', 'gone') <> 'healthy' order by revision`,
  );
  return rows.map(({ id }) => id);
}

/** The reasons of the guards that began. */
async function guardsBegan(): Promise<string[]> {
  const { rows } = await client.query<{ reason: string }>(
    `select after ->> 'reason' as reason from service_event where action = 'liveness.guard_began' order by revision`,
  );
  return rows.map(({ reason }) => reason);
}

interface Stall {
  readonly from: string;
  readonly until: string;
  readonly seconds: number;
}
interface Report {
  readonly at: string;
  readonly stalls: readonly Stall[];
  readonly recoveringSince: string;
  readonly sweeper: { readonly node: string; readonly term: number; readonly isThisNode: boolean };
}
const reportOf = (api: Api) => api.ok<Report>('GET', '/api/v1/liveness');

/** The stalls since a time that can only be the stop of a test: a busy machine makes others, before it and after it. */
const stopsIn = ({ stalls }: Report, since: string) =>
  stalls.filter(({ until, seconds }) => until > since && seconds >= TTL_SECONDS);

/** The server's processes for connections of the node; at rest are those in no transaction: the server itself ends the others. */
async function connections({ atRest }: { readonly atRest: boolean }): Promise<number[]> {
  const { rows } = await client.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and (state = 'idle' or not $1)
       and application_name like 'platform-coordination %' order by pid`,
    [atRest],
  );
  return rows.map(({ pid }) => pid);
}

describe('The only node, stopped for longer than leases last', () => {
  it('ends nobody who renews within a ttl after it continues, ends the dead, and does not blame the database', async () => {
    const node = await startNode();
    const { api } = node;
    await untilSweeping(node);
    fleet = await HeartbeatingFleet.start([api], {
      services: ['pay', 'ship'],
      perService: 20,
      ttlSeconds: TTL_SECONDS,
    });
    const before = await reportOf(api);
    const [late = '', dead = ''] = fleet.silence(2);

    let atRest: number[] = [];
    await stopFor(node, LONG_MS, async () => {
      // What the last statements have left is at rest then.
      await waitFor(
        'the server has nothing to do',
        async () => (atRest = await connections({ atRest: true })).length > 0,
      );
    });
    const wokenAt = performance.now();
    let stop: Stall | undefined;
    await waitFor('the stop is reported', async () => {
      const report = await reportOf(api);
      [stop] = stopsIn(report, before.at);
      expect(report.recoveringSince, 'it was no outage of the database').toBe(before.recoveringSince);
      return stop && report.sweeper.isThisNode;
    });
    await waitFor('most of a ttl has passed', () => performance.now() - wokenAt > TTL_SECONDS * 600);
    expect((await heartbeat(api, late)).status).toBe(204);
    const isInTime = performance.now() - wokenAt < TTL_SECONDS * 1_000;
    fleet.revive([late]);
    await waitFor('the fleet is answered again', () => fleet!.areAnsweredSince(wokenAt));
    expect(await connections({ atRest: false }), 'none of them was cut').toEqual(expect.arrayContaining(atRest));

    const health = await api.ok<{ details: { node: { status: string; stalls: { count: number } } } }>('GET', '/health');
    expect(health.details.node.status).toBe('up');
    expect(health.details.node.stalls.count).toBeGreaterThan(0);
    expect((await api.get('/health/ready')).status).toBe(200);
    await waitFor('the log has it', () => /The event loop of this process ran nothing for/.test(node.process.output));

    await waitFor('the dead one is found out', async () => (await ended()).includes(dead));
    await waitFor('it has been looked at again', async () => {
      const wasAt = (await reportOf(api)).sweeper;
      return wasAt.isThisNode && performance.now() - wokenAt > (TTL_SECONDS + 4) * 1_000;
    });
    const excused = new Set([...fleet.lateIds, ...(isInTime ? [] : [late])]);
    excused.delete(dead);
    expect((await ended()).filter(id => !excused.has(id))).toEqual([dead]);
    const { rows } = await client.query<{ isAfterTtl: boolean }>(
      `select at >= $2::timestamptz + make_interval(secs => $3) as "isAfterTtl"
       from service_event where instance_uuid = $1 and action = 'instance.health_changed'`,
      [dead, stop!.until, TTL_SECONDS],
    );
    expect(rows, 'its lease lasted once more').toEqual([{ isAfterTtl: true }]);
    const reasons = new Set(await guardsBegan());
    expect(reasons).toContain('node-stalled');
    expect(reasons, 'the database is not blamed').not.toContain('store-away');
    if (excused.size === 0) expect(reasons.size, 'no guard but the report of the stall').toBe(1);
    await assertCatalogInvariants(database.url);
  });

  it('writes the heartbeats that it had accepted just before, and explains what it does', async () => {
    const node = await startNode();
    const { api } = node;
    await untilSweeping(node);
    const ids = await register(api, 5);
    await client.query(`update instance_lease set renewed_at = renewed_at - interval '1 s'`);
    const renewedAt = async () =>
      (await client.query<{ at: Date }>('select renewed_at as at from instance_lease order by instance_id')).rows.map(
        ({ at }) => at.getTime(),
      );
    const first = await renewedAt();
    const answers = await Promise.all(ids.map(id => heartbeat(api, id)));
    await stopFor(node, LONG_MS);
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204, 204]);
    // The node has to take the role again, with the claim that reports the stall, before it can explain it.
    await waitFor('it explains the stall', async () => {
      const path = `${INSTANCES}/${ids[0]}/explain`;
      const { status, notes } = await api.ok<{ status: string; notes: string[] }>('GET', path);
      expect(status, notes.join(' ')).toBe('healthy');
      return notes.some(note => note.includes('(node-stalled)'));
    });
    await waitFor('all are written', async () => (await renewedAt()).every((at, n) => at > first[n]!));
    await waitFor('they end, because they are silent', async () => new Set(await ended()).size === ids.length);
    expect((await ended()).toSorted()).toEqual(ids.toSorted());
  });
});

describe('A node that is stopped again and again, half of the time', () => {
  it('ends dead instances all the same, and no living one', async () => {
    const node = await startNode();
    await untilSweeping(node);
    fleet = await HeartbeatingFleet.start([node.api], { services: ['pay'], perService: 9, ttlSeconds: TTL_SECONDS });
    const dead = fleet.silence(2);
    const ending = new AbortController();
    const pause = () => delay(2_000, undefined, { signal: ending.signal }).catch(() => undefined);
    const stopping = (async () => {
      while (!ending.signal.aborted) {
        node.process.signal('SIGSTOP');
        await pause();
        node.process.signal('SIGCONT');
        await pause();
      }
    })();
    try {
      await waitFor('the dead are found out', async () => {
        const ids = await ended();
        return dead.every(id => ids.includes(id));
      });
    } finally {
      ending.abort();
      await stopping;
    }
    const { lateIds } = fleet;
    const inTime = (id: string) => !lateIds.has(id);
    expect((await ended()).filter(inTime).toSorted()).toEqual(dead.filter(inTime).toSorted());
    expect(await guardsBegan()).not.toContain('store-away');
  });
});

describe('Of two nodes, the one that ends leases, stopped', () => {
  it('loses the role; whoever the other one ended is healed by the first renewal, and the sleeper ends nobody', async () => {
    const sleeper = await startNode();
    await untilSweeping(sleeper);
    const other = await startNode();
    // Its clients know no other node, and are too few for a guard.
    fleet = await HeartbeatingFleet.start([sleeper.api], { services: ['pay'], perService: 8, ttlSeconds: TTL_SECONDS });
    const { ids } = fleet;
    const before = await reportOf(other.api);
    await stopFor(sleeper, 0, async () => {
      await untilSweeping(other);
      await waitFor('the other one ends them', async () => new Set(await ended()).size === ids.length);
    });
    const wokenAt = performance.now();
    await waitFor('all are answered again', () => fleet!.areAnsweredSince(wokenAt));
    await waitFor('all are healthy', async () => {
      const { rows } = await client.query(`select from service_instance where id = any($1) and status <> 'healthy'`, [
        ids,
      ]);
      return rows.length === 0;
    });
    const { lateIds } = fleet;
    const inTime = (id: string) => !lateIds.has(id);
    expect((await ended()).filter(inTime).toSorted(), 'each was ended once').toEqual(ids.filter(inTime).toSorted());
    await waitFor('the sleeper knows that it has lost the role', async () => {
      const roles = await Promise.all([sleeper, other].map(({ api }) => metricOf(api, 'pcs_lease_sweeper')));
      return roles.filter(Boolean).length === 1;
    });
    const report = await reportOf(other.api);
    expect(report.sweeper.term, 'it is another term').toBeGreaterThan(before.sweeper.term);
    expect(stopsIn(report, before.at), 'the stop of a node without the role is no reason for longer leases').toEqual(
      [],
    );
    expect((await guardsBegan()).filter(reason => reason !== 'node-stalled')).toEqual([]);
    await assertCatalogInvariants(database.url);
  });
});
