import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES } from '../support/http/api.js';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { type CatalogNode, discover, startNode } from '../support/catalog/catalog-service.js';
import { assertAnswersAreTrue, startMixedLoad } from '../support/http/mixed-load.js';
import { OwnPostgres } from '../support/database/own-postgres.js';
import { findPgBouncer, PgBouncer } from '../support/database/pgbouncer.js';
import { createTestDatabase } from '../support/database/test-database.js';
import { PATIENCE_MS, waitFor } from '../support/time/wait-for.js';
import { migrate } from '../support/database/schema.js';

/** Fewer than the connections of one node, so that sessions are shared all the time. */
const POOL_SIZE = 4;
/** The default: a session that waits for the head is one of the few that all share. */
const ENV = { PCS_HEAD_HOLD_LIMIT_MS: '2000' };
/** So long that only a notification can tell of a change in time. */
const NEVER_MS = '60000';

/** Advisory locks that are held in the database. */
const LOCKS = `
  select l.pid from pg_locks l join pg_database d on d.oid = l.database
  where l.locktype = 'advisory' and d.datname = current_database()`;

/** PgBouncer itself takes its time to connect again, one session after the other. */

const program = findPgBouncer();

async function onServer(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<object>(statement)).rows;
  } finally {
    await client.end();
  }
}

describe.runIf(program !== undefined)('through PgBouncer in transaction mode', () => {
  let postgres: OwnPostgres;
  let pooler: PgBouncer;
  let nodes: [CatalogNode, CatalogNode];

  beforeAll(async () => {
    postgres = await OwnPostgres.start();
    pooler = await PgBouncer.start(program!, postgres.url, POOL_SIZE);
    nodes = [await startNode(pooler.url, ENV), await startNode(pooler.url, ENV)];
  });
  afterAll(async () => {
    for (const node of nodes) await node.close();
    await pooler.remove();
    await postgres.remove();
  });

  let loads: ReturnType<typeof startMixedLoad>[] = [];
  const load = (seed: number) => {
    const apis = nodes.map(({ api }) => api);
    const started = startMixedLoad({ apis, seed, clients: 10, names: 6, operations: Infinity });
    loads.push(started);
    return started;
  };
  // The load of a test that failed would go on under all that come after it.
  afterEach(async () => {
    for (const started of loads) await started.stop();
    loads = [];
  });

  async function expectTheCatalogToBeWhole(told: Parameters<typeof assertAnswersAreTrue>[0], faults: boolean) {
    const { events, head } = await assertCatalogInvariants(postgres.url);
    assertAnswersAreTrue(told, events, { faults });
    for (const { api } of nodes) {
      const hasHead = async () => (await api.get('/api/v1/discovery/namespaces')).revision === head.revision;
      await waitFor('the view is at the head', hasHead, PATIENCE_MS);
    }
    expect(await nodes[0].api.ok('GET', '/api/v1/audit/verify')).toMatchObject({ valid: true, checked: events.length });
  }

  it('everything works, and other nodes learn of changes by the poll', async () => {
    const [here, there] = nodes;
    const { id } = await here.api.register({ service: 'pooled', metadata: { tags: { team: 'x' } } });
    await waitFor('the other node has it', async () => (await discover(there.api, 'pooled')).instances.length === 1);
    expect((await there.api.send('PUT', `${INSTANCES}/${id}/heartbeat`)).status).toBe(204);
    expect(await there.api.ok('POST', '/api/v1/registry/heartbeats', { ids: [id] })).toMatchObject({ renewed: 1 });
    const found = await there.api.ok<{ items: unknown[] }>('GET', '/api/v1/discovery/instances?tag=team%3Dx');
    expect(found.items).toHaveLength(1);
    const mixed = load(71);
    await waitFor('load', () => mixed.acknowledged() > 300, PATIENCE_MS);
    await mixed.stop();
    await expectTheCatalogToBeWhole(mixed.told, false);
    const exported = await fetch(`${here.api.url}/api/v1/audit/export`);
    const { events } = await assertCatalogInvariants(postgres.url);
    expect((await exported.text()).trim().split('\n')).toHaveLength(events.length);
  });

  it('nobody listens, since notifications of shared sessions reach nobody', async () => {
    const listening = `select count(*)::int as sessions from pg_stat_activity where query ilike 'listen%'`;
    expect(await onServer(postgres.url, listening)).toEqual([{ sessions: 0 }]);
    expect(await pooler.log()).not.toContain('when not linked');
  });

  it('nodes that migrate at once wait for each other, and leave no lock behind', async () => {
    const empty = await createTestDatabase({ migrated: false });
    const before = await PgBouncer.start(program!, empty.url, 2);
    try {
      const done = await Promise.all(Array.from({ length: 4 }, () => migrate(before.url)));
      expect(done.filter(names => names.length > 0)).toHaveLength(1);
      expect(await migrate(before.url)).toEqual([]);
      expect(await onServer(empty.url, LOCKS)).toEqual([]);
    } finally {
      await before.remove();
      await empty.drop();
    }
  });

  it('a direct connection for LISTEN brings notifications', async () => {
    const env = { ...ENV, DATABASE_LISTEN_URL: postgres.url, PCS_VIEW_POLL_MS: NEVER_MS };
    const listening = await startNode(pooler.url, env);
    try {
      for (let n = 1; n <= 3; n++) {
        await nodes[0].api.register({ service: 'notified', instanceId: `i-${n}` });
        await waitFor('news', async () => (await discover(listening.api, 'notified')).instances.length === n);
      }
    } finally {
      await listening.close();
    }
  });

  it.each([
    ['the pooler', 72, () => pooler.kill(), () => pooler.startAgain()],
    ['the server behind it', 73, () => postgres.kill('SIGQUIT'), () => postgres.startAgain()],
  ] as const)(
    '%s can go and come back under load, and nothing acknowledged is lost',
    async (_, seed, kill, startAgain) => {
      const mixed = load(seed);
      await waitFor('load', () => mixed.acknowledged() > 100, PATIENCE_MS);
      await kill();
      await waitFor(
        'callers are told',
        () => mixed.told.filter(({ code }) => code === 'STORE_UNAVAILABLE').length > 20,
      );
      await startAgain();
      const before = mixed.acknowledged();
      await waitFor('the load goes on by itself', () => mixed.acknowledged() > before + 50, PATIENCE_MS);
      await mixed.stop();
      expect(mixed.told.filter(({ status }) => status === 0)).toEqual([]);
      await expectTheCatalogToBeWhole(mixed.told, true);
    },
  );
});
