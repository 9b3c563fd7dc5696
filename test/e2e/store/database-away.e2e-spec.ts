import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES, type LeasedView } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { type CatalogNode, startNode } from '../../support/catalog/catalog-service.js';
import { PostgresProxy } from '../../support/database/postgres-proxy.js';
import { unhurried } from '../../support/time/slowness.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { waitFor } from '../../support/time/wait-for.js';

let database: TestDatabase;
let proxy: PostgresProxy;
let node: CatalogNode;
let instance: LeasedView;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  node = await startNode(proxy.url, {
    PCS_LEASE_FLUSH_BOUND_MS: String(unhurried(500)),
    PCS_HEAD_HOLD_LIMIT_MS: String(unhurried(500)),
  });
  instance = await node.api.register();
});
afterAll(async () => {
  await node.close();
  await proxy.shut();
  await database.drop();
});

const SERVICE = '/api/v1/discovery/services/orders/instances';
const beat = () => node.api.send('PUT', `${INSTANCES}/${instance.id}/heartbeat`);
const staleness = async () => Number((await node.api.get(SERVICE)).headers.get('x-catalog-staleness'));

describe.each([
  { how: 'refuses connections', goAway: () => proxy.shut(), comeBack: () => proxy.open() },
  { how: 'says nothing', goAway: async () => proxy.setSilent(true), comeBack: async () => proxy.setSilent(false) },
])('while the database $how', ({ how, goAway, comeBack }) => {
  beforeAll(async () => {
    await goAway();
  });

  it('heartbeats are refused soon, and go on being refused', async () => {
    await waitFor('a heartbeat is refused', async () => (await beat()).status === 503);
    for (let n = 0; n < 50; n++) {
      const answer = await beat();
      expect(answer.body).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });

  it('nothing is written, and callers are told that it has not been', async () => {
    const answers = await Promise.all([
      node.api.send('POST', INSTANCES, { service: 'lost', host: '10.0.0.1', port: 80 }),
      node.api.send('PATCH', `${INSTANCES}/${instance.id}`, { weight: 1 }),
      node.api.send('DELETE', `${INSTANCES}/${instance.id}`),
      node.api.send('POST', INSTANCES, { service: 'orders', host: '10.0.0.1', port: 8080 }),
    ]);
    for (const answer of answers) {
      expect(answer.body).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
      expect(JSON.stringify(answer.body)).not.toMatch(/select|ECONN|127\.0\.0\.1|pg_/i);
    }
  });

  it('discovery goes on from memory, and says how old it is', async () => {
    const before = await staleness();
    await waitFor('staleness rises', async () => (await staleness()) > before);
    expect((await node.api.get<{ instances: unknown[] }>(SERVICE)).body.instances).toHaveLength(1);
    const { body } = await node.api.get<{ items: { id: string }[] }>('/api/v1/discovery/instances?host=10.0.0.1');
    expect(body.items.map(({ id }) => id)).toContain(instance.id);
    expect((await node.api.get('/api/v1/discovery/services?type=api')).status).toBe(200);
  });

  it('what must be read from it is 503, never empty', async () => {
    const search = '/api/v1/discovery/instances';
    const paths = [
      `${INSTANCES}/${instance.id}`,
      '/api/v1/audit/events',
      `${search}?asOf=1`,
      `${search}?consistency=strong`,
    ];
    for (const answer of await Promise.all(paths.map(path => node.api.get(path)))) {
      expect(answer.body).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
    }
  });

  it('nobody has to be asked to go on once it is back', async () => {
    await comeBack();
    await waitFor('heartbeats are taken', async () => (await beat()).status === 204);
    const service = `back-${how.replaceAll(' ', '-')}`;
    await waitFor('writes are done', async () => {
      const answer = await node.api.send('POST', INSTANCES, { service, host: '10.0.0.1', port: 80 });
      return answer.status < 300;
    });
    await waitFor('the view is fresh', async () => (await staleness()) < 2);
    const before = Date.parse((await node.api.read(instance.id)).lastSeenAt);
    await beat();
    await waitFor('the lease moves', async () => Date.parse((await node.api.read(instance.id)).lastSeenAt) > before);
    const { events } = await assertCatalogInvariants(database.url);
    expect(events.filter(event => event.service === 'lost')).toEqual([]);
  });
});
