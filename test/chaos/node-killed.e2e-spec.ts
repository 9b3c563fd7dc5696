import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { INSTANCES } from '../support/http/api.js';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { discover } from '../support/catalog/catalog-service.js';
import { type DisposableDirectory, disposableDirectory } from '../support/disposable-directory.js';
import { assertAnswersAreTrue, startMixedLoad } from '../support/http/mixed-load.js';
import { unhurried } from '../support/time/slowness.js';
import { type SpawnedNode, spawnNode } from '../support/nodes/spawned-node.js';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { waitFor } from '../support/time/wait-for.js';

let directory: DisposableDirectory;
let database: TestDatabase;

beforeAll(() => {
  directory = disposableDirectory();
});
afterAll(() => directory.remove());
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const loaded = (node: SpawnedNode) =>
  waitFor('the catalog is loaded', async () => (await node.api.get('/api/v1/discovery/namespaces')).status === 200);

async function start(env?: Readonly<Record<string, string>>): Promise<SpawnedNode> {
  const node = await spawnNode(directory, database.url, { LOG_LEVEL: 'info', ...env });
  await loaded(node);
  return node;
}

describe('kill -9 of the service under load', () => {
  it('loses nothing that was acknowledged, and revisions go on where they were', async () => {
    const killed = await start();
    const load = startMixedLoad({ apis: [killed.api], seed: 21, clients: 10, names: 5 });
    await waitFor('the load is under way', () => load.acknowledged() > 200);
    killed.process.signal('SIGKILL');
    await killed.process.ended;
    await load.stop();

    const next = await start();
    const before = await assertCatalogInvariants(database.url);
    assertAnswersAreTrue(load.told, before.events, { faults: true });
    const written = await next.api.register({ service: 'after' });
    expect(written.revision).toBe(before.head.revision + 1);
    const { instances } = await assertCatalogInvariants(database.url);
    const contended = [...instances.values()].filter(({ service }) => service === 'contended');
    const found = (await discover(next.api, 'contended')).instances;
    expect(found.map(({ id }) => id).sort()).toEqual(contended.map(({ id }) => id).sort());
    next.process.signal('SIGTERM');
    expect(await next.process.ended).toEqual({ code: 0, signal: null });
  });
});

describe('SIGTERM under load', () => {
  it('turns readiness first, then answers everybody who is in flight, and ends well', async () => {
    // All that follows up to the end happens within this time.
    const node = await start({ PCS_SHUTDOWN_DRAIN_SECONDS: String(unhurried(4)) });
    const load = startMixedLoad({ apis: [node.api], seed: 22, clients: 10, names: 5 });
    await waitFor('the load is under way', () => load.acknowledged() > 100);
    expect((await node.api.get('/health/ready')).status).toBe(200);
    node.process.signal('SIGTERM');
    await waitFor('readiness turns', async () => (await node.api.get('/health/ready')).status === 503);
    expect((await node.api.get('/health/live')).status).toBe(200);
    const written = await node.api.send('POST', INSTANCES, { service: 'late', host: '10.0.0.1', port: 80 });
    expect(written.status, 'until load balancers have noticed, requests are taken').toBe(201);

    expect(await node.process.ended, node.process.output).toEqual({ code: 0, signal: null });
    await load.stop();
    const { events } = await assertCatalogInvariants(database.url);
    assertAnswersAreTrue(load.told, events, { faults: true });
    const inLog = new Set(events.map(event => event.requestId));
    const unanswered = load.told.filter(({ status, requestId }) => status === 0 && inLog.has(requestId));
    expect(unanswered, 'changed the catalog, but its caller got no answer').toEqual([]);
    expect(load.told.filter(({ status }) => status >= 500)).toEqual([]);
  });
});

describe('a node that is stopped under load', () => {
  it('does not keep another one from writing, does no harm when it wakes, and catches up', async () => {
    const env = { PCS_HEAD_HOLD_LIMIT_MS: String(unhurried(1_000)) };
    const [sleeper, other] = [await start(env), await start(env)];
    const load = startMixedLoad({ apis: [sleeper.api], seed: 23, clients: 10, names: 5 });
    const told = [];
    for (let n = 1; n <= 4; n++) {
      const before = load.acknowledged();
      await waitFor('the load goes on', () => load.acknowledged() > before + 20 + 7 * n);
      sleeper.process.signal('SIGSTOP');
      // It may hold the head just now: then whoever writes is told to try again, until the server has ended its session.
      const parallel = startMixedLoad({ apis: [other.api], seed: 100 + n, clients: 4, names: 5 });
      const done = parallel.acknowledged();
      await waitFor('the other node writes while this one is stopped', () => parallel.acknowledged() > done + 20);
      await other.api.register({ service: 'meanwhile', instanceId: `i-${n}` });
      await parallel.stop();
      told.push(...parallel.told);
      sleeper.process.signal('SIGCONT');
    }
    const before = load.acknowledged();
    await waitFor('the one that was stopped writes again', () => load.acknowledged() > before + 20);
    await load.stop();
    const { events, head } = await assertCatalogInvariants(database.url);
    assertAnswersAreTrue([...load.told, ...told], events, { faults: true });
    await waitFor('it has caught up', async () => {
      const answer = await sleeper.api.get('/api/v1/discovery/namespaces');
      return answer.revision === head.revision;
    });
    expect((await discover(sleeper.api, 'meanwhile')).instances).toHaveLength(4);
    expect(await discover(sleeper.api, 'contended')).toEqual(await discover(other.api, 'contended'));
    for (const node of [sleeper, other]) {
      node.process.signal('SIGTERM');
      expect(await node.process.ended).toEqual({ code: 0, signal: null });
    }
  });
});
