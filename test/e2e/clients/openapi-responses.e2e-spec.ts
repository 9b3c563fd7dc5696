import { afterAll, beforeAll, expect, it } from 'vitest';
import { INSTANCES, type LeasedView, named } from '../../support/http/api.js';
import { type CatalogNode, startNode } from '../../support/catalog/catalog-service.js';
import { Contract, JudgedApi } from '../../support/openapi/openapi-contract.js';
import { PostgresProxy } from '../../support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { unhurried } from '../../support/time/slowness.js';
import { waitFor } from '../../support/time/wait-for.js';

const DISCOVERY = '/api/v1/discovery';
const AUDIT = '/api/v1/audit';
const GUARD = '/api/v1/liveness/guard';
const OVERRIDES = '/api/v1/registry/overrides';
const NOBODY = '0193b3c8-7a10-7c3e-9f52-6a8d1e4b2fff';

/** Everything that the service answers is judged by its document, in which what may grow is closed. */
let database: TestDatabase;
let proxy: PostgresProxy;
let node: CatalogNode;
let api: JudgedApi;
let contract: Contract;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  node = await startNode(proxy.url, {
    PCS_SELF_REGISTRATION: 'on',
    PCS_NODE_ID: 'node-a',
    PCS_LEASE_FLUSH_BOUND_MS: String(unhurried(1_000)),
    PCS_WATCH_MAX: '1',
  });
  contract = await Contract.of(node.url);
  api = new JudgedApi(node.url, contract);
});
afterAll(async () => {
  await node.close();
  await proxy.shut();
  await database.drop();
});

const asIs = () => expect(contract.breaches).toEqual([]);
const at = (id: string, rest = '') => `${INSTANCES}/${id}${rest}`;
const historyNamed = (instanceId: string, service: string) =>
  `${AUDIT}/services/${service}/instances/${encodeURIComponent(instanceId)}/history`;
const explained = (id: string) => api.ok<{ decidedBy: string }>('GET', at(id, '/explain'));
/** Reads an instance in every way there is. */
async function readOf({ id, service, instanceId }: LeasedView): Promise<void> {
  await api.read(id);
  await api.ok('GET', named(instanceId, service));
  await explained(id);
  await api.ok('GET', `${named(instanceId, service)}/explain`);
  await api.ok('GET', `${AUDIT}/instances/${id}/history`);
  await api.ok('GET', historyNamed(instanceId, service));
  await api.ok('GET', `${DISCOVERY}/services/${service}/instances?status=any`);
}

it.each([
  ['heartbeat', { kind: 'heartbeat', ttlSeconds: 600 }],
  ['heartbeat by default', {}],
  ['none', { kind: 'none' }],
  ['http', { kind: 'http', path: '/up', method: 'HEAD', headers: { 'x-probe': '1' }, timeoutSeconds: 2 }],
  ['tcp', { kind: 'tcp', intervalSeconds: 1 }],
  ['grpc', { kind: 'grpc', serviceName: 'orders', tlsVerify: false, ttlSeconds: 60 }],
])('instances with the check %s', async (what, check) => {
  const spec = { service: 'kinds', instanceId: what.replaceAll(' ', '-'), host: '127.0.0.1', port: 1 };
  const first = await api.send<LeasedView>('POST', INSTANCES, { ...spec, check });
  expect(first.status).toBe(201);
  const metadata = { version: '1.0.0', tags: { a: 'b' }, capabilities: ['c'], deep: { er: [1, null, true] } };
  const second = await api.send('POST', INSTANCES, { ...spec, check, zone: null, metadata, incarnation: 'two' });
  expect(second.status).toBe(200);
  await readOf(first.body);
  asIs();
});

it('writes by id and by name, again and conditionally', async () => {
  const one = await api.register(
    { instanceId: 'one', zone: 'eu-1a' },
    { 'idempotency-key': 'a', 'if-none-match': '*' },
  );
  await api.register({ instanceId: 'one', zone: 'eu-1a' }, { 'idempotency-key': 'a', 'if-none-match': '*' });
  await api.ok('PUT', at(one.id), { host: '10.0.0.2', port: 80 });
  await api.ok('PUT', named('two'), { host: '10.0.0.2', port: 80 });
  await api.ok('PUT', named('two'), { host: '10.0.0.2', port: 81 }, { 'x-change-reason': 'näher' });
  for (const path of [at(one.id), named('two')]) {
    await api.ok('PATCH', path, { weight: 7 });
    await api.ok('POST', `${path}/health-reports`, { healthy: false, output: 'full' });
    await api.ok('PUT', `${path}/override`, { status: 'maintenance', until: '2099-01-01T00:00:00+01:00', reason: 'x' });
    await api.ok('GET', path);
    await api.ok('GET', `${path}/explain`);
    await api.ok('PUT', `${path}/override`, { status: 'stopping' });
    await api.ok('GET', `${path}/explain`);
    await api.ok('DELETE', `${path}/override`);
    await api.ok('PUT', `${path}/heartbeat`);
  }
  await api.ok('POST', `${INSTANCES}/batch`, {
    instances: [4, 5].map(n => ({ service: 'many', instanceId: `many-${n}`, host: '10.0.0.4', port: n })),
  });
  const { id } = await api.register({ instanceId: 'three', incarnation: 'first' });
  await api.ok('POST', '/api/v1/registry/heartbeats', { ids: [one.id, NOBODY] });
  await api.ok('POST', '/api/v1/registry/heartbeats', { instances: [{ id, incarnation: 'second' }] });
  await api.ok('POST', '/api/v1/registry/deregistrations', { instances: [{ id, incarnation: 'second' }] });
  await api.ok('POST', '/api/v1/registry/deregistrations', { ids: [id, NOBODY] });
  await api.ok('PUT', OVERRIDES, { selector: { service: 'many', status: ['healthy'] }, status: 'stopped' });
  await api.ok('DELETE', `${OVERRIDES}?service=many&all=false`);
  asIs();
});

it('what has gone, and what its log tells', async () => {
  const one = await api.register({ instanceId: 'gone', incarnation: 'a' });
  await api.ok('DELETE', at(one.id), undefined, { 'x-change-reason': 'scaled down' });
  await api.register({ instanceId: 'gone-too' });
  await api.ok('DELETE', named('gone-too'));
  for (const path of [at(one.id), named('gone')]) await api.get(path);
  for (const path of [at(one.id), named('gone'), named('gone-too')]) await api.ok('GET', `${path}/explain`);
  await api.ok('GET', historyNamed('gone', one.service));
  await api.get(historyNamed('never-was', one.service));
  await api.ok('GET', `${AUDIT}/instances/${one.id}/history?order=desc&limit=1`);
  await api.get(`${AUDIT}/instances/${NOBODY}/history`);
  asIs();
});

it('leases that end, and probes that fail', async () => {
  const dead = await api.register({ service: 'mortal', check: { ttlSeconds: 1, deregisterAfterSeconds: 600 } });
  const check = { kind: 'http', intervalSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 };
  const refused = await api.register({ service: 'probed', host: '127.0.0.1', port: 1, check });
  await waitFor('the lease has ended', async () => (await explained(dead.id)).decidedBy === 'lease');
  await waitFor('it was probed', async () => (await explained(refused.id)).decidedBy === 'probe');
  await readOf(dead);
  await readOf(refused);
  await api.ok('GET', '/api/v1/liveness');
  asIs();
});

it('guards, of one service and of all', async () => {
  const { id } = await api.register({ service: 'guarded' });
  const guarded = async () =>
    (await api.get(`${DISCOVERY}/services/guarded/instances`)).headers.has('x-liveness-guard');
  for (const scope of [{ service: 'guarded' }, 'all']) {
    await api.ok('POST', GUARD, { action: 'force', scope, reason: 'a drill', until: undefined });
    await waitFor('the guard is known', guarded);
    const { guards } = await api.ok<{ guards: object[] }>('GET', '/api/v1/liveness');
    expect(guards.length).toBeGreaterThan(0);
    await explained(id);
    await api.ok('GET', `${DISCOVERY}/services/guarded/resolve`);
    await api.ok('GET', '/health');
    await api.ok('POST', GUARD, { action: 'end', scope, reason: 'the drill is over' });
    await waitFor('the guard is gone', async () => !(await guarded()));
  }
  asIs();
});

it('discovery: full and empty, now and then, in pages, held and conditional', async () => {
  await api.register({ service: 'found', instanceId: 'a', metadata: { version: '1.2.3', environment: 'prod' } });
  await api.register({ service: 'found', instanceId: 'b' });
  const head = await api.ok<{ revision: number; at: string }>('GET', `${AUDIT}/head`);
  const lists = [
    'namespaces',
    'services',
    'services/found/instances',
    'services/nobody/instances',
    'instances?limit=1',
  ];
  for (const list of lists) {
    const path = `${DISCOVERY}/${list}`;
    const { headers } = await api.get(path);
    expect((await api.get(path, { 'if-none-match': headers.get('etag') ?? '' })).status, list).toBe(304);
    const mark = path.includes('?') ? '&' : '?';
    await api.ok('GET', `${path}${mark}consistency=strong`);
    await api.ok('GET', `${path}${mark}since=${head.revision}&waitSeconds=0`);
    if (list !== 'namespaces') await api.ok('GET', `${path}${mark}asOf=${head.revision}`);
    await api.get(`${path}${mark}minRevision=9007199254740991`);
  }
  const page = await api.ok<{ nextCursor: string }>('GET', `${DISCOVERY}/instances?limit=1&namespace=*&sort=service`);
  await api.ok('GET', `${DISCOVERY}/instances?limit=1&namespace=*&sort=service&cursor=${page.nextCursor}`);
  await api.ok('GET', `${DISCOVERY}/services/found/instances?status=healthy,degraded&tag=a=b&tag=c&appVersion=^1.0.0`);
  await api.ok('GET', `${DISCOVERY}/services?filter=${encodeURIComponent('metadata.environment == "prod"')}`);
  await api.ok('GET', `${DISCOVERY}/services/found/resolve?panicThreshold=100&zone=eu`);
  const diff = await api.ok<{ nextCursor: string }>('GET', `${DISCOVERY}/diff?from=0&limit=1`);
  await api.ok('GET', `${DISCOVERY}/diff?from=0&limit=1&cursor=${diff.nextCursor}`);
  await api.ok('GET', `${DISCOVERY}/diff?from=${encodeURIComponent(head.at)}&to=${encodeURIComponent(head.at)}`);
  asIs();
});

it('watches: what was there, what changes, what leaves, and a reset', async () => {
  const begin = (query: string) => fetch(`${api.url}${DISCOVERY}/watch?${query}`);
  const judge = async (response: Response, until: string, act: () => Promise<unknown>): Promise<void> => {
    const decoder = new TextDecoder();
    let text = '';
    const reader = response.body!.getReader();
    const readOn = (async () => {
      while (!text.includes(`event: ${until}\n`) || !text.endsWith('\n\n')) {
        const { value, done } = await reader.read();
        if (done) return;
        text += decoder.decode(value, { stream: true });
      }
    })();
    await act();
    await readOn;
    await reader.cancel();
    contract.judge('GET', `${DISCOVERY}/watch`, { status: response.status, headers: response.headers, body: text });
    expect(text).toContain(`event: ${until}\n`);
  };
  const { id } = await api.register({ service: 'watched', instanceId: 'w' });
  const watch = await begin('service=watched&status=healthy,starting');
  // One at a time is what this node takes.
  expect((await api.get(`${DISCOVERY}/watch`)).status).toBe(429);
  await judge(watch, 'removed', async () => {
    await api.ok('PATCH', at(id), { weight: 3 });
    await api.ok('POST', at(id, '/health-reports'), { healthy: false });
  });
  let again = await begin('service=watched&since=9007199254740991');
  await waitFor('the place is free', async () => {
    if (again.status === 200) return true;
    await again.body?.cancel();
    again = await begin('service=watched&since=9007199254740991');
    return false;
  });
  await judge(again, 'reset', async () => undefined);
  asIs();
});

it('the log: pages, one event, exports, heads and verdicts', async () => {
  const page = await api.ok<{ nextCursor: string }>('GET', `${AUDIT}/events?limit=2&action=instance.registered`);
  await api.ok('GET', `${AUDIT}/events?limit=2&action=instance.registered&cursor=${page.nextCursor}`);
  await api.ok('GET', `${AUDIT}/events?limit=1000`);
  await api.ok('GET', `${AUDIT}/events?service=nobody`);
  await api.ok('GET', `${AUDIT}/events/1`);
  await api.get(`${AUDIT}/events/999999`);
  await api.ok('GET', `${AUDIT}/export`);
  await api.ok('GET', `${AUDIT}/export?format=csv`);
  await api.ok('GET', `${AUDIT}/retention`);
  await api.ok('GET', `${AUDIT}/verify`);
  const { valid } = await api.ok<{ valid: boolean }>('GET', `${AUDIT}/verify?anchor=1:${'0'.repeat(64)}`);
  expect(valid).toBe(false);
  asIs();
});

it('the probes of the service itself', async () => {
  for (const path of ['/health', '/health/live', '/health/ready', '/health/startup', '/metrics'])
    await api.ok('GET', path);
  asIs();
});

it('refusals', async () => {
  const { id } = await api.register({ instanceId: 'refused', incarnation: 'a' });
  const json = { 'content-type': 'application/json' };
  await api.send('POST', INSTANCES, { port: 0, colour: 'red' });
  await api.send('POST', INSTANCES, '{"a":1,"a":2}');
  await api.send('POST', INSTANCES, undefined, json);
  await api.send('POST', INSTANCES, `{"service":"${'a'.repeat(70_000)}"}`);
  await api.send('PUT', at(id, '/heartbeat'), '{}');
  await api.send('POST', INSTANCES, 'a', { 'content-type': 'text/plain' });
  await api.send('DELETE', at(id), '<a/>', { 'content-type': 'text/xml' });
  await api.send('PATCH', at(id), { weight: 3 }, { 'if-match': '"99"' });
  await api.send('PUT', named('refused'), { host: '10.0.0.1', port: 80 }, { 'if-none-match': '*' });
  await api.send('PATCH', `${at(id)}?incarnation=b`, { weight: 3 });
  await api.send('PUT', at(id, '/override'), { status: 'stopped' }, { 'idempotency-key': 'once' });
  await api.send('PUT', at(id, '/override'), { status: 'stopping' }, { 'idempotency-key': 'once' });
  await api.send('PUT', at(NOBODY), { host: '10.0.0.1', port: 80 });
  for (const query of ['appVersion=one', 'filter=(', 'status=well', 'since=9007199254740991', 'asOf=9999999', 'x=1']) {
    await api.get(`${DISCOVERY}/services?${query}`);
    await api.get(`${DISCOVERY}/instances?${query}`);
  }
  await api.get(`${DISCOVERY}/instances?cursor=nonsense`);
  await api.get(`${AUDIT}/events?cursor=nonsense`);
  await api.get(`${DISCOVERY}/diff?from=5&to=2`);
  await api.get(`${DISCOVERY}/services/nobody/resolve`);
  await api.get('/nothing');
  await api.send('DELETE', `${INSTANCES}/batch`);
  expect([...contract.codes].sort()).toEqual(
    expect.arrayContaining([
      'ALREADY_REGISTERED',
      'EVENT_NOT_FOUND',
      'IDEMPOTENCY_MISMATCH',
      'INCARNATION_ENDED',
      'INSTANCE_NOT_FOUND',
      'INVALID_CURSOR',
      'INVALID_FILTER',
      'MALFORMED_JSON',
      'METHOD_NOT_ALLOWED',
      'NO_INSTANCE_AVAILABLE',
      'PAYLOAD_TOO_LARGE',
      'RATE_LIMITED',
      'REVISION_UNKNOWN',
      'ROUTE_NOT_FOUND',
      'UNSUPPORTED_MEDIA_TYPE',
      'VALIDATION_FAILED',
      'VERSION_MISMATCH',
    ]),
  );
  asIs();
});

it('every operation has been answered with a success', () => {
  expect(contract.untried).toEqual([]);
});

it('while the database is away', async () => {
  await proxy.shut();
  const register = () => api.send('POST', INSTANCES, { service: 'orders', host: '10.0.0.1', port: 80 });
  await waitFor('writes are refused', async () => (await register()).status === 503);
  for (const path of ['/api/v1/liveness', `${AUDIT}/head`, `${DISCOVERY}/instances`, '/health', '/health/ready']) {
    await api.get(path);
  }
  await api.get(`${DISCOVERY}/services?consistency=strong`);
  await api.send('PUT', at(NOBODY, '/heartbeat'));
  expect(contract.codes).toContain('STORE_UNAVAILABLE');
  asIs();
  await proxy.open();
});
