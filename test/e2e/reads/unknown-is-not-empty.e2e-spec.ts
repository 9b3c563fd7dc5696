import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, INSTANCES, named } from '../../support/http/api.js';
import { type Application, startApplication } from '../../support/nodes/application.js';
import { startNode } from '../../support/catalog/catalog-service.js';
import { PostgresProxy } from '../../support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { waitFor } from '../../support/time/wait-for.js';

let database: TestDatabase;
let proxy: PostgresProxy;
let id: string;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  const node = await startNode(database.url);
  ({ id } = await node.api.register({ instanceId: 'a' }));
  await node.close();
});
afterAll(async () => {
  await proxy.shut();
  await database.drop();
});

/** Everything that would have to be answered from the catalog. */
const QUESTIONS = () =>
  [
    ['GET', '/api/v1/discovery/namespaces'],
    ['GET', '/api/v1/discovery/services'],
    ['GET', '/api/v1/discovery/services?tag=a'],
    ['GET', '/api/v1/discovery/services/orders/instances'],
    ['GET', '/api/v1/discovery/services/unknown/instances'],
    ['GET', '/api/v1/discovery/instances'],
    ['GET', '/api/v1/discovery/watch'],
    ['GET', '/api/v1/discovery/watch?since=0'],
    ['GET', '/api/v1/discovery/watch?since=1000000'],
    ['GET', `${INSTANCES}/${id}`],
    ['GET', named('a')],
    ['GET', '/api/v1/audit/events'],
    ['GET', '/api/v1/audit/head'],
    ['PUT', `${INSTANCES}/${id}/heartbeat`],
    ['PUT', `${named('a')}/heartbeat`],
    ['PUT', `${named('nobody')}/heartbeat`],
    ['POST', '/api/v1/registry/heartbeats', { ids: [id] }],
    ['PUT', named('a'), { host: '10.0.0.1', port: 8080 }],
    ['DELETE', named('nobody')],
  ] as const;

async function codesOf(api: Api): Promise<Record<string, string | undefined>> {
  const answers = await Promise.all(
    QUESTIONS().map(async ([method, path, body]) => {
      const answer = await api.send(method, path, body);
      expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(503);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      return [`${method} ${path}`, answer.body.code] as const;
    }),
  );
  return Object.fromEntries(answers);
}

describe('a node that starts while the database is away', () => {
  let application: Application;

  beforeAll(async () => {
    await proxy.shut();
    application = await startApplication({ databaseUrl: proxy.url });
  });
  afterAll(() => application.close());

  it('says to everything that it does not know, lives, and is neither started nor ready', async () => {
    const api = new Api(application.url);
    const codes = await codesOf(api);
    expect(new Set(Object.values(codes))).toEqual(new Set(['STARTING', 'STORE_UNAVAILABLE']));
    expect(codes['GET /api/v1/discovery/namespaces']).toBe('STARTING');
    expect(codes['GET /api/v1/discovery/services/unknown/instances']).toBe('STARTING');
    expect(codes['GET /api/v1/discovery/instances']).toBe('STARTING');
    expect(codes['GET /api/v1/discovery/services?tag=a']).toBe('STARTING');
    expect((await api.get('/health/live')).status).toBe(200);
    expect((await api.get('/health/startup')).status).toBe(503);
    expect((await api.get('/health/ready')).status).toBe(503);
  });

  it('knows by itself as soon as the database is there', async () => {
    const api = new Api(application.url);
    await proxy.open();
    await waitFor('it is ready', async () => (await api.get('/health/ready')).status === 200);
    expect((await api.get('/health/startup')).status).toBe(200);
    const { instances } = await api.ok<{ instances: unknown[] }>('GET', '/api/v1/discovery/services/orders/instances');
    expect(instances).toHaveLength(1);
  });
});

describe('a node whose view is older than is allowed', () => {
  it('says that it does not know, until it does again', async () => {
    const node = await startNode(proxy.url, { PCS_STALENESS_LIMIT_SECONDS: '1' });
    await proxy.shut();
    await waitFor('it is not ready', async () => (await node.api.get('/health/ready')).status === 503);
    const codes = await codesOf(node.api);
    expect(codes['GET /api/v1/discovery/services/orders/instances']).toBe('STALE_VIEW');
    expect(codes[`PUT ${INSTANCES}/${id}/heartbeat`]).toBe('STALE_VIEW');
    await proxy.open();
    await waitFor('it is ready', async () => (await node.api.get('/health/ready')).status === 200);
    expect((await node.api.get('/api/v1/discovery/services/orders/instances')).status).toBe(200);
    await node.close();
  });
});
