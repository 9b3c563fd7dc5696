import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Api, INSTANCES, type Problem } from '../../support/http/api.js';
import { type CatalogService, headOf, startCatalog, startNode } from '../../support/catalog/catalog-service.js';
import { metricOf, metricsOf } from '../../support/nodes/metrics.js';
import { waitFor } from '../../support/time/wait-for.js';

const DISCOVERY = '/api/v1/discovery';
const ORDERS = `${DISCOVERY}/services/orders/instances`;

interface Listed {
  readonly revision: number;
  readonly instances: readonly { readonly instanceId: string; readonly weight: number }[];
}

let catalog: CatalogService;
let writing: Api;
let asked: Api;

beforeAll(async () => {
  catalog = await startCatalog({ nodes: 2 });
  [writing, asked] = catalog.nodes.map(({ api }) => api) as [Api, Api];
});
afterAll(() => catalog.close());

const register = (body: object = {}) => writing.register({ instanceId: 'a', check: { kind: 'none' }, ...body });
const deregister = (id: string) => writing.ok('DELETE', `${INSTANCES}/${id}`);
const held = (api = asked) => metricOf(api, 'pcs_waiting_reads');

/** Asks a node, from its present on, and comes back when the node holds the request. */
async function hold<T = Listed>(path: string, api = asked): Promise<{ readonly answer: Promise<Answer<T>> }> {
  const before = await held(api);
  const since = await headOf(writing);
  const answer = api.get<T>(`${path}${path.includes('?') ? '&' : '?'}since=${since}&waitSeconds=60`);
  answer.catch(() => undefined);
  await waitFor('the request is held', async () => (await held(api)) > before);
  return { answer };
}

/** Connections to the database on which something is under way. */
const busy = async () => {
  const [row] = await catalog.sql(
    `select count(*)::int as busy from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`,
  );
  return (row as { busy: number }).busy;
};

describe('a read with since', () => {
  it.each([
    ['services', 'all', '/services?namespace=all'],
    ['services that a filter selects', 'filtered', '/services?namespace=filtered&tag=selected'],
    ['instances of a service', 'one', '/services/orders/instances?namespace=one&tag=selected'],
    ['a search', 'any', '/instances?namespace=*&service=orders&tag=selected'],
  ])(
    'is answered when what it selects changes through another node, and not before: %s',
    async (_, namespace, path) => {
      const { answer } = await hold(`${DISCOVERY}${path}`);
      // What does not concern it comes on the same way as what does.
      const witness = await hold(`${ORDERS}?status=any`);
      const { id } = await register({ instanceId: `unselected-${namespace}` });
      await witness.answer;
      expect(await held()).toBe(1);
      const selected = await register({ namespace, metadata: { tags: { selected: 'yes' } } });
      const { status, body } = await answer;
      expect(status).toBe(200);
      expect(body.revision).toBeGreaterThanOrEqual(selected.revision);
      expect(JSON.stringify(body)).toMatch(/"tags":(\["selected=yes"\]|\{"selected":"yes"\})/);
      await Promise.all([deregister(id), deregister(selected.id)]);
    },
  );

  it('on the namespaces is answered when there are more or fewer instances, and not before', async () => {
    const { id } = await register();
    const { answer } = await hold<{ namespaces: object[] }>(`${DISCOVERY}/namespaces`);
    const witness = await hold(ORDERS);
    await writing.ok('PATCH', `${INSTANCES}/${id}`, { weight: 7 });
    await witness.answer;
    expect(await held()).toBe(1);
    await register({ namespace: 'another' });
    expect((await answer).body.namespaces).toContainEqual({ namespace: 'another', services: 1, instances: 1 });
  });

  it('is answered when something leaves what it selects, and shows that it has', async () => {
    const { id } = await register({ service: 'leaving' });
    const { answer } = await hold(`${DISCOVERY}/services/leaving/instances`);
    await writing.ok('PUT', `${INSTANCES}/${id}/override`, { status: 'maintenance' });
    expect((await answer).body.instances).toEqual([]);
  });

  it('waits on a service that has gone, and is answered when it comes back', async () => {
    const { id } = await register({ service: 'returning' });
    const going = await hold(`${DISCOVERY}/services/returning/instances`);
    await deregister(id);
    const gone = (await going.answer).body;
    expect(gone.instances).toEqual([]);
    const back = asked.get<Listed>(`${DISCOVERY}/services/returning/instances?since=${gone.revision}&waitSeconds=60`);
    await waitFor('the request is held', async () => (await held()) === 1);
    await register({ service: 'returning' });
    expect((await back).body.instances).toHaveLength(1);
  });

  it('is answered at once when something has changed already', async () => {
    const { revision } = await register({ service: 'changed' });
    const answers = await Promise.all(
      [`${DISCOVERY}/services/changed/instances`, `${DISCOVERY}/services`, `${DISCOVERY}/instances`].map(path =>
        asked.get<Listed>(`${path}?since=${revision - 1}&waitSeconds=300`),
      ),
    );
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(body.revision).toBeGreaterThanOrEqual(revision);
    }
  });

  it('tells what is when the time is up, or that it is what the caller has', async () => {
    await register({ service: 'quiet' });
    const path = `${DISCOVERY}/services/quiet/instances`;
    const { headers } = await asked.get(`${path}?consistency=strong`);
    const since = headers.get('x-catalog-revision');
    const [plain, known, atOnce, head] = await Promise.all([
      asked.get<Listed>(`${path}?since=${since}&waitSeconds=1`),
      asked.get(`${path}?since=${since}&waitSeconds=1`, { 'if-none-match': headers.get('etag')! }),
      asked.get(`${path}?since=${since}&waitSeconds=0`, { 'if-none-match': headers.get('etag')! }),
      asked.send<undefined>('HEAD', `${path}?since=${since}&waitSeconds=1`),
    ]);
    expect(plain.body.instances).toHaveLength(1);
    expect([plain.status, known.status, atOnce.status, head.status]).toEqual([200, 304, 304, 200]);
    expect(head.headers.get('etag')).toBe(headers.get('etag'));
  });

  it('of a revision that the catalog does not know is refused', async () => {
    const since = (await headOf(writing)) + 1_000;
    for (const path of [ORDERS, `${DISCOVERY}/instances`, `${DISCOVERY}/services?type=api`]) {
      const separator = path.includes('?') ? '&' : '?';
      const { status, body } = await asked.get(`${path}${separator}since=${since}`);
      expect({ status, code: body.code }).toEqual({ status: 410, code: 'REVISION_UNKNOWN' });
    }
  });

  it('may be strong as well: then it has all that was acknowledged before it, and waits for more', async () => {
    await register({ service: 'both' });
    const { answer } = await hold(`${DISCOVERY}/services/both/instances?consistency=strong`);
    await register({ service: 'both', instanceId: 'b' });
    expect((await answer).body.instances).toHaveLength(2);
  });

  it('is forgotten when its caller hangs up', async () => {
    const since = await headOf(writing);
    const caller = new AbortController();
    const path = `${ORDERS}?since=${since}&waitSeconds=60`;
    const answers = Array.from({ length: 20 }, () => asked.send('GET', path, undefined, {}, caller.signal));
    const outcomes = Promise.allSettled(answers);
    await waitFor('all are held', async () => (await held()) === 20);
    caller.abort();
    await outcomes;
    await waitFor('none is held', async () => (await held()) === 0);
  });
});

describe('a node that holds reads', () => {
  it('takes no more than it may', async () => {
    const node = await startNode(catalog.database.url, { PCS_WAITING_READS_MAX: '3' });
    for (let n = 0; n < 3; n++) await hold(ORDERS, node.api);
    const { status, body, headers } = await node.api.get(`${ORDERS}?since=${await headOf(writing)}`);
    expect({ status, code: body.code }).toEqual({ status: 429, code: 'RATE_LIMITED' });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await node.api.get(ORDERS)).status).toBe(200);
    await node.close();
  });

  it('answers all of them with what is when it ends', async () => {
    const node = await startNode(catalog.database.url);
    const paths = [ORDERS, `${DISCOVERY}/namespaces`, `${DISCOVERY}/services`, `${DISCOVERY}/instances`];
    const answers: Promise<Answer<Listed>>[] = [];
    for (const path of paths) answers.push((await hold(path, node.api)).answer);
    await node.close();
    for (const { status, body } of await Promise.all(answers)) {
      expect(status).toBe(200);
      expect(body.revision).toBeGreaterThan(0);
    }
  });

  it('holds no connection to the database for them, and little memory; wakes all whom a change concerns, and only them', async () => {
    const SERVICES = 20;
    const EACH = 100;
    const since = await headOf(writing);
    const answers = new Map<number, Promise<Answer<Listed | Problem>>[]>();
    const heapBefore = await metricOf(asked, 'nodejs_heap_size_used_bytes');
    for (let n = 0; n < SERVICES; n++) {
      const path = `${DISCOVERY}/services/many-${n}/instances?since=${since}&waitSeconds=300`;
      answers.set(
        n,
        Array.from({ length: EACH }, () => asked.get<Listed | Problem>(path)),
      );
    }
    await waitFor('all are held', async () => (await held()) === SERVICES * EACH);
    const heapAfter = await metricOf(asked, 'nodejs_heap_size_used_bytes');
    // With both ends of all connections in this process.
    expect((heapAfter - heapBefore) / (SERVICES * EACH)).toBeLessThan(100_000);
    // Whatever nodes do by themselves comes and goes; what reads held would stay.
    await waitFor('no connection is held', async () => (await busy()) <= 2);
    const wakes = async () => (await metricsOf(asked)).get('pcs_waiting_reads_ended_total')!;
    const before = await wakes();
    const witness = await hold(ORDERS);
    await register({ instanceId: 'unrelated' });
    await witness.answer;
    expect((await wakes()) - before).toBe(1);
    await register({ service: 'many-7' });
    for (const { status, body } of await Promise.all(answers.get(7)!)) {
      expect({ status, body }).toMatchObject({ status: 200, body: { instances: [{ instanceId: 'a' }] } });
    }
    expect((await wakes()) - before).toBe(1 + EACH);
    expect(await held()).toBe((SERVICES - 1) * EACH);
    for (let n = 0; n < SERVICES; n++) if (n !== 7) await register({ service: `many-${n}` });
    for (const all of answers.values()) for (const { status } of await Promise.all(all)) expect(status).toBe(200);
    expect(await held()).toBe(0);
  });
});
