import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type InstanceRecord } from '@coordination/catalog';
import { CatalogFollower } from '@coordination/catalog/testing';
import { type Answer, INSTANCES, type LeasedView, named } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { type CatalogService, discover, startCatalog, startNode } from '../../support/catalog/catalog-service.js';
import { assertAnswersAreTrue, startMixedLoad } from '../../support/http/mixed-load.js';
import { waitFor } from '../../support/time/wait-for.js';

let catalog: CatalogService;

beforeEach(async () => {
  catalog = await startCatalog({ nodes: 2 });
});
afterEach(async () => {
  await assertEveryViewIsTheTable();
  await catalog.close();
});

const byId = (records: readonly InstanceRecord[]) => new Map(records.map(record => [record.id, record]));

/** Invariant 3: view = fold(log) = table, on every node as soon as it has the head. */
async function assertEveryViewIsTheTable(): Promise<void> {
  const { head, instances } = await assertCatalogInvariants(catalog.database.url);
  const services = new Set([...instances.values()].map(({ service }) => service));
  for (const { api } of catalog.nodes) {
    await waitFor('the node has the head', async () => {
      const { revision } = await api.get('/api/v1/discovery/namespaces');
      return revision === head.revision;
    });
    for (const service of services) {
      const found = (await discover(api, service)).instances;
      const stored = [...instances.values()].filter(record => record.service === service);
      expect(byId(found), `the view of ${service}`).toEqual(byId(stored));
    }
  }
}

/** Sends as many requests as there are, all at once, in turn to both nodes. */
function atOnce<T>(count: number, send: (n: number, node: CatalogService['nodes'][number]) => Promise<Answer<T>>) {
  const nodes = catalog.nodes;
  return Promise.all(Array.from({ length: count }, (_, n) => send(n, nodes[n % nodes.length]!)));
}

/** What all were answered, in order of the numbers. */
const statuses = (answers: readonly Answer<unknown>[]) => answers.map(({ status }) => status).sort((a, b) => a - b);

const SPEC = { service: 'orders', host: '10.0.0.1', port: 8080 };

describe('at once', () => {
  it('100 clients register 100 new instances: each gets its own, and one event', async () => {
    const answers = await atOnce<LeasedView>(100, (n, { api }) =>
      api.send('POST', INSTANCES, { ...SPEC, instanceId: `i-${n}` }),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(201));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(100);
    const revisions = answers.map(({ body }) => body.revision).sort((a, b) => a - b);
    expect(revisions).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    const { events } = await assertCatalogInvariants(catalog.database.url);
    expect(events).toHaveLength(100);
  });

  it('50 clients register one identity: one makes it, and all get the same', async () => {
    const answers = await atOnce<LeasedView>(50, (_, { api }) =>
      api.send('POST', INSTANCES, { ...SPEC, instanceId: 'a' }),
    );
    expect(statuses(answers)).toEqual([...Array<number>(49).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    const { events } = await assertCatalogInvariants(catalog.database.url);
    expect(events).toHaveLength(1);
  });

  it('50 clients change one identity by registering: each change is one version and one event', async () => {
    const answers = await atOnce<LeasedView>(50, (n, { api }) =>
      api.send('PUT', named('a'), { host: '10.0.0.1', port: 8080, weight: n }),
    );
    expect(statuses(answers)).toEqual([...Array<number>(49).fill(200), 201]);
    expect(answers.map(({ body }) => body.version).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 1),
    );
    const { events } = await assertCatalogInvariants(catalog.database.url);
    expect(events.map(event => (event.after as InstanceRecord).weight).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, n) => n),
    );
  });

  it('20 reports of failure of one instance: none is lost', async () => {
    const { id } = await catalog.api.register();
    const answers = await atOnce<LeasedView>(20, (_, { api }) =>
      api.send('POST', `${INSTANCES}/${id}/health-reports`, { healthy: false }),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.health.failures)).size).toBe(20);
    expect(await catalog.api.read(id)).toMatchObject({ status: 'unhealthy', health: { failures: 20 }, version: 21 });
  });

  it.each([
    ['PUT', { host: '10.0.0.1', port: 8080, weight: 1 }],
    ['PATCH', { weight: 1 }],
    ['DELETE', undefined],
  ])('writers with the same If-Match (%s): exactly one wins', async (method, body) => {
    const { id } = await catalog.api.register();
    const path = method === 'DELETE' ? `${INSTANCES}/${id}/override` : `${INSTANCES}/${id}`;
    if (method === 'DELETE') await catalog.api.ok('PUT', path, { status: 'stopped' });
    const { version } = await catalog.api.read(id);
    const answers = await atOnce(10, (n, { api }) =>
      api.send(method, path, body && { ...body, weight: n }, { 'if-match': `"${version}"` }),
    );
    expect(statuses(answers)).toEqual([200, ...Array(9).fill(412)]);
    for (const { status, body: problem } of answers) {
      if (status === 412) expect(problem).toMatchObject({ code: 'VERSION_MISMATCH', currentVersion: version + 1 });
    }
  });

  it('registrations of what must be new: exactly one wins', async () => {
    const answers = await atOnce(20, (_, { api }) =>
      api.send('POST', INSTANCES, { ...SPEC, instanceId: 'new' }, { 'if-none-match': '*' }),
    );
    expect(statuses(answers)).toEqual([201, ...Array(19).fill(412)]);
  });

  it('deregistrations of one instance: one is told that it was there', async () => {
    const { id } = await catalog.api.register();
    const answers = await atOnce(20, (_, { api }) => api.send('DELETE', `${INSTANCES}/${id}`));
    expect(statuses(answers)).toEqual([204, ...Array(19).fill(404)]);
  });

  it('batches that overlap in other orders all succeed', async () => {
    const ids = Array.from({ length: 100 }, (_, n) => n);
    const answers = await atOnce(10, (client, { api }) =>
      api.send('POST', `${INSTANCES}/batch`, {
        instances: (client % 2 === 0 ? ids : ids.toReversed()).map(n => ({
          ...SPEC,
          instanceId: `i-${n}`,
          weight: client,
        })),
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
  });
});

describe('a write that was answered', () => {
  it('is seen by discovery of the same node at once, and by the other one soon', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const node = catalog.nodes[n % 2]!;
        const service = `ryw-${n}`;
        for (let weight = 0; weight < 5; weight++) {
          const written = await node.api.register({ service, instanceId: 'a', weight });
          const { revision, instances } = await discover(node.api, service);
          expect(revision).toBeGreaterThanOrEqual(written.revision);
          expect(instances.map(instance => instance.weight)).toEqual([weight]);
        }
        const other = catalog.nodes[(n + 1) % 2]!;
        await waitFor('the other node sees it', async () => {
          const { instances } = await discover(other.api, service);
          return instances[0]?.weight === 4;
        });
      }),
    );
  });
});

describe('a registration through a node that has not heard of the newest change', () => {
  it('is judged by what is, and not by what the node remembers', async () => {
    const deaf = await startNode(catalog.database.url);
    const spec = { host: '10.0.0.1', port: 8080 };
    const first = await deaf.api.ok('PUT', named('a'), { ...spec, weight: 1 });
    await deaf.app.get(CatalogFollower).stop();
    expect(await catalog.api.ok('PUT', named('a'), { ...spec, weight: 2 })).toMatchObject({ version: 2 });
    // The deaf node remembers weight 1.
    const again = await deaf.api.ok('PUT', named('a'), { ...spec, weight: 1 });
    expect(again).toMatchObject({ id: first.id, version: 3, weight: 1 });
    await catalog.api.ok('DELETE', named('a'));
    const anew = await deaf.api.send<LeasedView>('PUT', named('a'), { ...spec, weight: 1 });
    expect(anew).toMatchObject({ status: 201, body: { version: 1 } });
    expect(anew.body.id).not.toBe(first.id);
    await deaf.close();
  });
});

describe('two nodes under a mixed load', () => {
  it.each([1, 2])('keep every invariant (seed %i)', async seed => {
    const apis = catalog.nodes.map(({ api }) => api);
    const load = startMixedLoad({ apis, seed, clients: 20, names: 8, operations: 40 });
    await load.finished;
    const { events } = await assertCatalogInvariants(catalog.database.url);
    assertAnswersAreTrue(load.told, events, { faults: false });
  });
});
