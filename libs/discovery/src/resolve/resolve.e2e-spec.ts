import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InstanceRecord } from '@coordination/catalog';
import { type Application, startApplication } from '../../../../test/support/nodes/application.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';

const NO_SERVER = 'postgres://nobody@127.0.0.1:1/none';

let database: TestDatabase;
let node: Application;

const resolve = async (service: string, query = '', at = node) =>
  await fetch(`${at.url}/api/v1/discovery/services/${service}/resolve?${query}`);

async function resolved(service: string, query = ''): Promise<{ url: string; instance: InstanceRecord }> {
  const response = await resolve(service, query);
  expect(response.status, query).toBe(200);
  return (await response.json()) as { url: string; instance: InstanceRecord };
}

async function problemOf(service: string, query = '', at = node) {
  const response = await resolve(service, query, at);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const body = (await response.json()) as { code: string; detail: string; errors?: { path: string }[] };
  const { code, detail, errors = [] } = body;
  return { status: response.status, code, detail, paths: errors.map(({ path }) => path) };
}

async function write(method: string, path: string, body?: unknown): Promise<InstanceRecord> {
  const response = await fetch(`${node.url}/api/v1/registry/${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return (await response.json()) as InstanceRecord;
}

const register = async (service: string, instanceId: string, fields: Record<string, unknown> = {}) =>
  await write('POST', 'instances', { service, instanceId, host: '10.0.0.1', port: 8080, ...fields });

/** Registers an instance that has failed too often. */
async function registerSick(service: string, instanceId: string, fields: Record<string, unknown> = {}) {
  const { id } = await register(service, instanceId, fields);
  for (let n = 0; n < 3; n++) await write('POST', `instances/${id}/health-reports`, { healthy: false });
}

async function namesOf(times: number, service: string, query = ''): Promise<string[]> {
  const names = new Set<string>();
  for (let n = 0; n < times; n++) names.add((await resolved(service, query)).instance.instanceId);
  return [...names].sort();
}

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startApplication({ databaseUrl: database.url });
  await waitFor('the catalog to be loaded', async () => (await resolve('none')).status === 404);
});

afterAll(async () => {
  await node.close();
  await database.drop();
});

describe('resolving a service', () => {
  it('gives an instance as the lists show it, where it is reached, and of which catalog that is', async () => {
    await register('orders', 'a', { scheme: 'https', host: '2001:DB8::17', port: 8443 });
    const response = await resolve('ORDERS');
    expect(response.status).toBe(200);
    const { url, instance } = (await response.json()) as { url: string; instance: InstanceRecord };
    expect(url).toBe('https://[2001:db8::17]:8443');
    const list = await fetch(`${node.url}/api/v1/discovery/services/orders/instances`);
    expect(((await list.json()) as { instances: InstanceRecord[] }).instances).toEqual([instance]);
    expect(Number(response.headers.get('x-catalog-revision'))).toBeGreaterThanOrEqual(instance.revision);
    expect(response.headers.get('x-catalog-epoch')).toBe(list.headers.get('x-catalog-epoch'));
    // Whole seconds; on a machine that is busy the view may be older than one.
    expect(response.headers.get('x-catalog-staleness')).toMatch(/^\d+$/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('etag')).toBeNull();
    expect(response.headers.get('x-resolve-panic')).toBeNull();
  });

  it('gives what the filters select, and knows what was just written', async () => {
    const metadata = { version: '2.1.0', environment: 'prod', capabilities: ['pay'] };
    await register('filtered', 'a', { zone: 'z1', metadata });
    await register('filtered', 'b', { type: 'worker', namespace: 'default' });
    expect(await namesOf(4, 'filtered', 'appVersion=%5E2.0.0&environment=prod&capability=pay')).toEqual(['a']);
    expect(await namesOf(4, 'filtered', 'type=worker&strategy=random')).toEqual(['b']);
    expect(await namesOf(4, 'filtered', `filter=${encodeURIComponent('metadata.version == "2.1.0"')}`)).toEqual(['a']);
    expect(await namesOf(2, 'filtered', 'strategy=round_robin')).toEqual(['a', 'b']);
    expect(await problemOf('filtered', 'namespace=elsewhere')).toMatchObject({ code: 'NO_INSTANCE_AVAILABLE' });
    await write('PATCH', `services/filtered/instances/b`, { weight: 0 });
    expect(await namesOf(6, 'filtered', 'strategy=round_robin')).toEqual(['a']);
  });

  it('prefers a zone, and leaves it when it has no fit instance', async () => {
    await register('zoned', 'near', { zone: 'z1' });
    await register('zoned', 'far', { zone: 'z2' });
    expect(await namesOf(8, 'zoned', 'zone=z1')).toEqual(['near']);
    expect(await namesOf(2, 'zoned', 'zone=nowhere&strategy=round_robin')).toEqual(['far', 'near']);
    await registerSick('zoned', 'near', { zone: 'z1' });
    expect(await namesOf(8, 'zoned', 'zone=z1&zoneThreshold=0')).toEqual(['far']);
  });

  it('returns any instance in a panic, and reports it, but none with an override', async () => {
    await register('shaken', 'fit');
    await registerSick('shaken', 'sick');
    await register('shaken', 'held');
    await write('PUT', 'services/shaken/instances/held/override', { status: 'maintenance' });
    expect(await namesOf(6, 'shaken', 'panicThreshold=50')).toEqual(['fit']);
    const response = await resolve('shaken', 'panicThreshold=51');
    expect(response.headers.get('x-resolve-panic')).toBe('true');
    expect(await namesOf(4, 'shaken', 'panicThreshold=51&strategy=round_robin')).toEqual(['fit', 'sick']);
  });
});

describe('a service without instances to call', () => {
  it('gets 404 with the number of its instances', async () => {
    expect(await problemOf('nobody')).toMatchObject({
      status: 404,
      code: 'NO_INSTANCE_AVAILABLE',
      detail: 'default/nobody has no instances.',
    });
    await registerSick('sick-only', 'a');
    const { detail, ...problem } = await problemOf('sick-only');
    expect(problem).toMatchObject({ status: 404, code: 'NO_INSTANCE_AVAILABLE' });
    expect(detail).toContain('None of the 1 instances');
  });

  it('is not reported by a node whose view is not loaded', async () => {
    const lonely = await startApplication({ databaseUrl: NO_SERVER });
    try {
      expect(await problemOf('orders', '', lonely)).toMatchObject({ status: 503, code: 'STARTING' });
    } finally {
      await lonely.close();
    }
  });
});

describe('bad questions', () => {
  it.each([
    'strategy=fastest',
    'strategy=',
    'panicThreshold=101',
    'panicThreshold=-1',
    'panicThreshold=1.5',
    'panicThreshold=',
    'zoneThreshold=1e1',
    'zoneThreshold=999999999999999999999',
    'zone=',
    'zone=a%00b',
    'namespace=*',
    'status=fine',
    'limit=1',
    'since=1',
  ])('are refused with the place of what is wrong: %s', async query => {
    const { status, code, paths } = await problemOf('orders', query);
    expect({ status, code }).toEqual({ status: 400, code: 'VALIDATION_FAILED' });
    expect(paths).toHaveLength(1);
    expect(paths[0]).toContain(`/query/${query.split('=')[0]}`);
  });

  it('are refused as filters, all at once', async () => {
    expect(await problemOf('orders', 'appVersion=latest&metadata=1&filter=weight%20%3D%3D')).toMatchObject({
      status: 400,
      code: 'INVALID_FILTER',
      paths: ['/query/appVersion', '/query/metadata', '/query/filter'],
    });
  });

  it('are refused when the name is none, or a parameter comes twice', async () => {
    expect(await problemOf('bad%20name')).toMatchObject({ status: 400, paths: ['/path/service'] });
    expect(await problemOf('orders', 'zone=a&zone=b')).toMatchObject({ status: 400, paths: ['/query/zone'] });
  });
});
