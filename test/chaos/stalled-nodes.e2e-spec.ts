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

async function register(api: Api, instanceId: string): Promise<string> {
  const body = {
    service: 'orders',
    instanceId,
    host: '10.0.0.9',
    port: 80,
    check: { kind: 'heartbeat', ttlSeconds: TTL_SECONDS },
  };
  const { id } = await api.ok<{ id: string }>('POST', INSTANCES, body);
  return id;
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
const reportOf = (api: Api) =>
  api.ok<{ stalls: Stall[]; recoveringSince: string; sweeper: { node: string; isThisNode: boolean } }>(
    'GET',
    '/api/v1/liveness',
  );

/** The server's processes for connections of the node that are in no transaction; the server itself ends those that are. */
async function connectionsAtRest(): Promise<number[]> {
  const { rows } = await client.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and state = 'idle'
       and application_name like 'platform-coordination %' order by pid`,
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
    const [late, dead] = [await register(api, 'late'), await register(api, 'dead')];
    const before = await reportOf(api);
    expect(before.stalls.filter(({ seconds }) => seconds >= 3)).toEqual([]);

    let connections: number[] = [];
    await stopFor(node, LONG_MS, async () => {
      // What the last statements have left is at rest then.
      await waitFor('the server has nothing to do', async () => (connections = await connectionsAtRest()).length > 0);
    });
    const wokenAt = performance.now();
    await waitFor('the fleet is answered again', () => fleet!.areAnsweredSince(wokenAt));
    await waitFor('most of a ttl has passed', () => performance.now() - wokenAt > TTL_SECONDS * 600);
    expect((await heartbeat(api, late)).status).toBe(204);
    expect(await connectionsAtRest(), 'none of them was cut').toEqual(expect.arrayContaining(connections));

    const { stalls, recoveringSince, sweeper } = await reportOf(api);
    expect(stalls.at(-1)!.seconds).toBeGreaterThanOrEqual(TTL_SECONDS);
    expect(recoveringSince, 'it was no outage of the database').toBe(before.recoveringSince);
    expect(sweeper.isThisNode).toBe(true);
    const health = await api.ok<{ details: { node: { status: string; stalls: { count: number } } } }>('GET', '/health');
    expect(health.details.node.status).toBe('up');
    expect(health.details.node.stalls.count).toBeGreaterThan(0);
    expect((await api.get('/health/ready')).status).toBe(200);
    expect(node.process.output).toMatch(/The event loop of this process ran nothing for/);

    const beating = setInterval(() => void heartbeat(api, late).catch(() => undefined), TTL_SECONDS * 300);
    try {
      await waitFor('the dead one is found out', async () => (await ended()).length > 0);
      await waitFor('it has been looked at again', async () => {
        const wasAt = (await reportOf(api)).sweeper;
        return wasAt.isThisNode && performance.now() - wokenAt > (TTL_SECONDS + 4) * 1_000;
      });
    } finally {
      clearInterval(beating);
    }
    expect(await ended()).toEqual([dead]);
    const { rows } = await client.query<{ isAfterTtl: boolean }>(
      `select at >= $2::timestamptz + make_interval(secs => $3) as "isAfterTtl"
       from service_event where instance_uuid = $1 and action = 'instance.health_changed'`,
      [dead, stalls.at(-1)!.until, TTL_SECONDS],
    );
    expect(rows, 'its lease lasted once more').toEqual([{ isAfterTtl: true }]);
    expect(new Set(await guardsBegan()), 'no guard but the report of the stall').toEqual(new Set(['node-stalled']));
    await assertCatalogInvariants(database.url);
  });

  it('writes the heartbeats that it had accepted just before, and explains what it does', async () => {
    const node = await startNode();
    const { api } = node;
    await untilSweeping(node);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await register(api, `i-${n}`));
    await client.query(`update instance_lease set renewed_at = renewed_at - interval '1 s'`);
    const renewedAt = async () =>
      (await client.query<{ at: Date }>('select renewed_at as at from instance_lease order by instance_id')).rows.map(
        ({ at }) => at.getTime(),
      );
    const first = await renewedAt();
    const answers = await Promise.all(ids.map(id => heartbeat(api, id)));
    await stopFor(node, LONG_MS);
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204, 204]);
    await waitFor('all are written', async () => (await renewedAt()).every((at, n) => at > first[n]!));
    const explained = await api.ok<{ status: string; notes: string[] }>('GET', `${INSTANCES}/${ids[0]}/explain`);
    expect(explained.status).toBe('healthy');
    expect(explained.notes.join(' ')).toContain('(node-stalled)');
    await waitFor('they end, because they are silent', async () => (await ended()).length === ids.length);
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
      await waitFor('the dead are found out', async () => (await ended()).length >= dead.length);
    } finally {
      ending.abort();
      await stopping;
    }
    expect((await ended()).toSorted()).toEqual(dead.toSorted());
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
    const stalledAt = (await reportOf(other.api)).stalls.length;
    await stopFor(sleeper, 0, async () => {
      await untilSweeping(other);
      await waitFor('the other one ends them', async () => (await ended()).length === ids.length);
    });
    const wokenAt = performance.now();
    await waitFor('all are answered again', () => fleet!.areAnsweredSince(wokenAt));
    await waitFor('all are healthy', async () => {
      const { rows } = await client.query(`select from service_instance where id = any($1) and status <> 'healthy'`, [
        ids,
      ]);
      return rows.length === 0;
    });
    expect((await ended()).toSorted(), 'each was ended once').toEqual(ids.toSorted());
    expect(await metricOf(sleeper.api, 'pcs_lease_sweeper'), 'it knows that it has lost the role').toBe(0);
    const report = await reportOf(other.api);
    expect(report.sweeper.isThisNode).toBe(true);
    expect(report.stalls.slice(stalledAt).filter(({ seconds }) => seconds >= 3)).toEqual([]);
    expect(await guardsBegan()).toEqual([]);
    await assertCatalogInvariants(database.url);
  });
});
