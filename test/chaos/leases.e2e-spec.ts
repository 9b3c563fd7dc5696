import { type LogEvent } from '@coordination/log';
import { GuardStates } from '@coordination/liveness';
import { GuardOverrides, isReport } from '@coordination/liveness/testing';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Api } from '../support/http/api.js';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { type CatalogService, startCatalog } from '../support/catalog/catalog-service.js';
import { type DisposableDirectory, disposableDirectory } from '../support/disposable-directory.js';
import { anOrigin } from '../support/catalog/factories.js';
import { HeartbeatingFleet } from '../support/catalog/heartbeating-fleet.js';
import { metricOf } from '../support/nodes/metrics.js';
import { OwnPostgres } from '../support/database/own-postgres.js';
import { RestartableNode } from '../support/nodes/restartable-node.js';
import { unhurried } from '../support/time/slowness.js';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { PATIENCE_MS, waitFor } from '../support/time/wait-for.js';

/** Longer with PROOF_TTL_SECONDS=30, say; machines that do much else at the same time need some time for a heartbeat. */
const TTL_SECONDS = Number(process.env['PROOF_TTL_SECONDS'] ?? unhurried(9));

let directory: DisposableDirectory;
let fleet: HeartbeatingFleet | undefined;

beforeAll(() => {
  directory = disposableDirectory();
});
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});
afterAll(() => directory.remove());

const END_ACTIONS = ['instance.health_changed', 'instance.expired'];
const isEnd = ({ actor, action }: LogEvent) => actor === 'system:liveness' && END_ACTIONS.includes(action);

/** What was done about the leases of a fleet: ids in the order of the log, unhealthy or gone. */
async function endedOf(url: string, ids: readonly string[]): Promise<string[]> {
  const { events } = await assertCatalogInvariants(url);
  const own = new Set(ids);
  return events.filter(event => isEnd(event) && own.has(event.instanceUuid ?? '')).map(event => event.instanceUuid!);
}

/**
 * Looks at little while it waits: the whole log is read, and found to be sound, when the time has come.
 * @param late those that this process has kept from renewing in time
 */
async function waitForEnds(
  url: string,
  ids: readonly string[],
  expected: readonly string[],
  late: () => ReadonlySet<string> = () => new Set(),
): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const ended = async () => {
      const { rows } = await client.query<{ count: number }>(
        `select count(distinct instance_uuid)::int as count from service_event
         where actor = 'system:liveness' and action = any($1) and instance_uuid = any($2)`,
        [END_ACTIONS, expected],
      );
      return rows[0]!.count;
    };
    await waitFor(
      `${expected.length} leases have ended`,
      async () => (await ended()) >= expected.length,
      PATIENCE_MS,
      async () => `It is ${await ended()} now.`,
    );
  } finally {
    await client.end();
  }
  const ended = await endedOf(url, ids);
  const excused = late();
  expect(ended.filter(id => !excused.has(id)).toSorted(), 'exactly the dead, each once').toEqual(
    expected.filter(id => !excused.has(id)).toSorted(),
  );
}

const sweeperOf = async (nodes: readonly RestartableNode[]): Promise<RestartableNode> => {
  let found: RestartableNode | undefined;
  await waitFor('a node ends leases', async () => {
    for (const node of nodes) if ((await metricOf(node.api, 'pcs_lease_sweeper')) === 1) found = node;
    return found;
  });
  return found!;
};

const FLEET = { services: ['orders', 'pay', 'ship', 'stock'], perService: 50, ttlSeconds: TTL_SECONDS };

describe('200 instances on two nodes', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('end when they are dead, and never otherwise, though the node that ends leases is killed, and stopped', async () => {
    const env = { PCS_LEASE_FLUSH_BOUND_MS: '2000' };
    const nodes = [
      await RestartableNode.start(directory, database.url, env),
      await RestartableNode.start(directory, database.url, env),
    ];
    fleet = await HeartbeatingFleet.start(
      nodes.map(({ api }) => api),
      FLEET,
    );
    const dead = fleet.silence(6);
    await waitForEnds(database.url, fleet.ids, dead, () => fleet!.lateIds);

    const killed = await sweeperOf(nodes);
    await killed.kill();
    dead.push(...fleet.silence(3));
    await waitForEnds(database.url, fleet.ids, dead, () => fleet!.lateIds);
    await killed.startAgain();

    const stopped = await sweeperOf(nodes);
    const other = nodes.find(node => node !== stopped)!;
    const next = fleet.silence(3);
    await fleet.areAtRest(next);
    stopped.process.signal('SIGSTOP');
    dead.push(...next);
    await waitForEnds(database.url, fleet.ids, dead, () => fleet!.lateIds);
    await waitFor('the other one ends leases', async () => (await metricOf(other.api, 'pcs_lease_sweeper')) === 1);
    stopped.process.signal('SIGCONT');
    const woken = performance.now();
    await waitFor('all are heard again', () => fleet!.areAnsweredSince(woken), PATIENCE_MS);
    dead.push(...fleet.silence(2));
    await waitForEnds(database.url, fleet.ids, dead, () => fleet!.lateIds);
    for (const node of nodes) {
      node.process.signal('SIGTERM');
      expect(await node.process.ended).toEqual({ code: 0, signal: null });
    }
  });
});

describe('A database that is away for longer than leases last', () => {
  let postgres: OwnPostgres;

  beforeAll(async () => {
    postgres = await OwnPostgres.start();
  });
  afterAll(() => postgres.remove());

  it('costs nobody who is alive anything; the dead are found out afterwards', async () => {
    const nodes = [
      await RestartableNode.start(directory, postgres.url),
      await RestartableNode.start(directory, postgres.url),
    ];
    fleet = await HeartbeatingFleet.start(
      nodes.map(({ api }) => api),
      FLEET,
    );
    await sweeperOf(nodes);
    const before = performance.now();
    await waitFor('all are heard', () => fleet!.areAnsweredSince(before), PATIENCE_MS);
    await postgres.kill('SIGQUIT');
    const away = performance.now();
    const dead = fleet.silence(5);
    await waitFor('all leases would be over', () => performance.now() - away > (TTL_SECONDS + 3) * 1_000, PATIENCE_MS);
    await postgres.startAgain();
    const back = performance.now();
    await waitFor('all are heard again', () => fleet!.areAnsweredSince(back), PATIENCE_MS);
    await waitForEnds(postgres.url, fleet.ids, dead, () => fleet!.lateIds);
    for (const node of nodes) node.process.signal('SIGTERM');
    await Promise.all(nodes.map(node => node.process.ended));
  });
});

/** Instances whose agent speaks for many of them at once. */
async function registerMany(api: Api): Promise<string[]> {
  const instances = Array.from({ length: 1_000 }, (_, n) => ({
    service: 'orders',
    host: '10.0.0.1',
    port: 1_000 + n,
    check: { kind: 'heartbeat', ttlSeconds: TTL_SECONDS },
  }));
  const { results } = await api.ok<{ results: { instance: { id: string } }[] }>(
    'POST',
    '/api/v1/registry/instances/batch',
    { instances },
  );
  return results.map(({ instance }) => instance.id);
}

describe('1,000 instances of which many stop at once', () => {
  const ORDERS = { kind: 'service', namespace: 'default', service: 'orders' } as const;

  it('5 % end in time, half are held, until renewals are back or an operator confirms', async () => {
    const service = await startCatalog({ env: { PCS_LEASE_FLUSH_BOUND_MS: '2000' } });
    const { api, nodes, database } = service;
    const guards = nodes[0]!.app.get(GuardStates, { strict: false });
    const orders = nodes[0]!.app.get(GuardOverrides, { strict: false });
    let alive: readonly string[] = await registerMany(api);
    const all = alive;
    let answeredAt = 0;
    const beating = setInterval(() => {
      void api.send('POST', '/api/v1/registry/heartbeats', { ids: alive }).then(
        ({ status }) => (answeredAt = status === 200 ? performance.now() : answeredAt),
        () => undefined,
      );
    }, TTL_SECONDS * 250);
    try {
      const fewDead = all.slice(950);
      alive = all.slice(0, 950);
      await waitForEnds(database.url, all, fewDead);
      // The reports of stalls of a busy machine, and of outages that they look like, hold nothing.
      expect(guards.current().filter(state => !isReport(state))).toEqual([]);

      alive = all.slice(0, 450);
      await waitFor('the guard holds', () => guards.of('default', 'orders')?.scope.kind === 'service', PATIENCE_MS);
      await waitFor('it counts all', () => (guards.of('default', 'orders')?.wouldExpire ?? 0) >= 500, PATIENCE_MS);
      expect(guards.of('default', 'orders')).toMatchObject({ active: true, reason: 'service-share', limit: 0.3 });
      const held = (await endedOf(database.url, all)).length;
      expect(held, 'no more than the share').toBeLessThanOrEqual(300);
      const sweeps = () => metricOf(api, 'pcs_lease_sweep_duration_seconds_count');
      const from = await sweeps();
      await waitFor('it has been looked at again', async () => (await sweeps()) > from + 3);
      expect((await endedOf(database.url, all)).length, 'the guard holds').toBe(held);

      alive = all.slice(0, 950);
      await waitFor('it lets go by itself', () => guards.of('default', 'orders') === undefined, PATIENCE_MS);
      await waitFor('all who live are healthy', async () => (await unhealthyOf(service)) === 50, PATIENCE_MS);
      expect((await endedOf(database.url, all)).length, 'nobody who came back was ended').toBe(held);

      alive = all.slice(0, 450);
      await waitFor(
        'the guard holds again',
        () => guards.of('default', 'orders')?.scope.kind === 'service',
        PATIENCE_MS,
      );
      const origin = anOrigin({ actor: 'ada' });
      await orders.end({ scope: ORDERS, reason: 'the rack is gone', origin });
      await waitFor('what was held ends', async () => (await unhealthyOf(service)) === 550, PATIENCE_MS);
      expect(answeredAt, 'the others were heard all the time').toBeGreaterThan(0);
    } finally {
      clearInterval(beating);
      await service.close();
    }
  });
});

const unhealthyOf = async (service: CatalogService): Promise<number> =>
  (await service.sql(`select 1 as n from service_instance where service = 'orders' and status = 'unhealthy'`)).length;
