import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InstanceRecord } from '@coordination/catalog';
import { type Application, startApplication } from '../../../test/support/nodes/application.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database/test-database.js';
import { waitFor } from '../../../test/support/time/wait-for.js';

const NO_SERVER = 'postgres://nobody@127.0.0.1:1/none';

let database: TestDatabase;
let node: Application;
let otherNode: Application;

const get = async (path: string, headers: Record<string, string> = {}, at = node) =>
  await fetch(`${at.url}/api/v1/discovery/${path}`, { headers });

async function getJson<T>(path: string, at = node): Promise<T> {
  const response = await get(path, {}, at);
  expect(response.status, path).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  return (await response.json()) as T;
}

async function problemOf(path: string, at = node): Promise<{ status: number; code: string; paths?: string[] }> {
  const response = await get(path, {}, at);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const body = (await response.json()) as { code: string; errors?: { path: string }[] };
  return { status: response.status, code: body.code, ...(body.errors && { paths: body.errors.map(it => it.path) }) };
}

async function write(method: string, path: string, body?: unknown): Promise<Response> {
  const response = await fetch(`${node.url}/api/v1/registry/${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return response;
}

const register = async (fields: Record<string, unknown>): Promise<InstanceRecord> =>
  (await (await write('POST', 'instances', { host: '10.0.0.1', port: 8080, ...fields })).json()) as InstanceRecord;

interface Instances {
  readonly revision: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly instances: readonly InstanceRecord[];
}

const someMetadata = (version: string, tags: object) => ({
  version,
  environment: 'prod',
  tags,
  capabilities: ['pay'],
});

/** The query parameter `metadata` with any text. */
const asMetadata = (json: string) => `metadata=${encodeURIComponent(json)}`;

const namesIn = ({ instances }: Instances) => instances.map(({ instanceId }) => instanceId);

beforeAll(async () => {
  database = await createTestDatabase();
  [node, otherNode] = await Promise.all([
    startApplication({ databaseUrl: database.url }),
    startApplication({ databaseUrl: database.url }),
  ]);
  for (const at of [node, otherNode]) {
    await waitFor('the catalog to be loaded', async () => (await get('namespaces', {}, at)).status === 200);
  }
});

afterAll(async () => {
  await Promise.all([node.close(), otherNode.close()]);
  await database.drop();
});

describe('a node without a database', () => {
  it('never returns an empty catalog', async () => {
    const lonely = await startApplication({ databaseUrl: NO_SERVER });
    try {
      for (const path of ['namespaces', 'services', 'services/orders/instances', 'instances', 'services?zone=a']) {
        expect(await problemOf(path, lonely), path).toEqual({ status: 503, code: 'STARTING' });
      }
      expect((await get('services', {}, lonely)).headers.get('retry-after')).toBe('1');
    } finally {
      await lonely.close();
    }
  });
});

describe('the instances of a service', () => {
  it('have what was written on this node at once', async () => {
    for (let n = 1; n <= 5; n++) {
      const { revision } = await register({ service: 'own-writes', instanceId: `i-${n}` });
      const found = await getJson<Instances>('services/own-writes/instances');
      expect(found.revision).toBe(revision);
      expect(found.instances).toHaveLength(n);
    }
  });

  it('have an ETag that only changes of the service change, the same on all nodes', async () => {
    const path = 'services/tagged/instances';
    await register({ service: 'tagged', instanceId: 'a' });
    const first = await get(path);
    const etag = first.headers.get('etag')!;
    const epoch = first.headers.get('x-catalog-epoch')!;
    const { revision } = (await first.json()) as Instances;
    expect(etag).toBe(`"${epoch.slice(0, 8)}-${revision}"`);
    expect(first.headers.get('x-catalog-staleness')).toMatch(/^\d+$/);

    await register({ service: 'tagged-not', instanceId: 'a' });
    const again = await get(path, { 'if-none-match': etag });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    expect(again.headers.get('etag')).toBe(etag);
    expect(Number(again.headers.get('x-catalog-revision'))).toBeGreaterThan(revision);
    const elsewhere = async () => (await get(path, { 'if-none-match': `"other", W/${etag}` }, otherNode)).status;
    await waitFor('the other node', async () => (await elsewhere()) === 304);

    const changed = await register({ service: 'tagged', instanceId: 'a', weight: 7 });
    const anew = await get(path, { 'if-none-match': etag });
    expect(anew.status).toBe(200);
    expect(anew.headers.get('etag')).toBe(`"${epoch.slice(0, 8)}-${changed.revision}"`);
    await waitFor('the change on the other node', async () => (await elsewhere()) === 200);
  });

  it('have the same bytes on all nodes for one ETag, and equal the database and the registry', async () => {
    const { id } = await register({ service: 'alike', instanceId: 'a' });
    await write('PUT', `instances/${id}/override`, { status: 'maintenance', reason: 'new disk' });
    const metadata = { zz: [{ ü: 1, zz: 2, z: 3 }], tags: { b: '1', aa: '2', a: '3' }, region: 'eu' };
    await register({ service: 'alike', instanceId: 'b', metadata });
    const path = 'services/alike/instances?status=any';
    const here = await get(path);
    const told = await here.text();
    await waitFor('the other node has it', async () => {
      const there = await get(path, {}, otherNode);
      return there.headers.get('etag') === here.headers.get('etag');
    });
    expect(await (await get(path, {}, otherNode)).text()).toBe(told);
    const { instances } = JSON.parse(told) as Instances;
    const { items } = await getJson<{ items: InstanceRecord[] }>('instances?service=alike');
    expect(JSON.stringify(items)).toBe(JSON.stringify(instances));
    const leased = (await (await fetch(`${node.url}/api/v1/registry/instances/${id}`)).json()) as InstanceRecord;
    // What is known of the lease and its checks is no part of the record.
    const { lastCheckedAt: _, lastError: __, ...health } = leased.health as object as Record<string, unknown>;
    const { lastSeenAt: ___, expiresAt: ____, ...record } = { ...leased, health } as unknown as Record<string, unknown>;
    expect(JSON.stringify(record)).toBe(JSON.stringify(instances[0]));
  });

  it('keep their revision when the last one was removed; an unknown service has an empty list at the present revision', async () => {
    const { id, revision } = await register({ service: 'leaving' });
    await write('DELETE', `instances/${id}`);
    await register({ service: 'staying' });
    expect(await getJson<Instances>('services/leaving/instances')).toMatchObject({
      revision: revision + 1,
      counts: { total: 0 },
      instances: [],
    });
    const never = await get('services/never-was/instances');
    expect(never.status).toBe(200);
    const body = (await never.json()) as Instances;
    expect(body).toMatchObject({ service: 'never-was', instances: [] });
    expect(String(body.revision)).toBe(never.headers.get('x-catalog-revision'));
  });

  it('are those that the filters select, usable ones by default', async () => {
    await register({
      service: 'filtered',
      instanceId: 'a',
      zone: 'z1',
      metadata: someMetadata('1.2.0', { team: 'x', c: '' }),
    });
    await register({
      service: 'filtered',
      instanceId: 'b',
      zone: 'z2',
      metadata: someMetadata('2.0.0', { team: 'y' }),
    });
    const sick = await register({ service: 'filtered', instanceId: 'c', type: 'worker', check: { kind: 'none' } });
    for (let n = 0; n < 3; n++) await write('POST', `instances/${sick.id}/health-reports`, { healthy: false });
    await write('PUT', `instances/${sick.id}/override`, { status: 'maintenance' });

    const select = async (filters: string) =>
      namesIn(await getJson<Instances>(`services/filtered/instances?${filters}`));
    expect(await select('')).toEqual(['a', 'b']);
    expect(await select('status=any')).toEqual(['a', 'b', 'c']);
    expect(await select('status=maintenance,unhealthy')).toEqual(['c']);
    expect(await select('status=any&type=worker')).toEqual(['c']);
    expect(await select('appVersion=%5E1.0.0')).toEqual(['a']);
    expect(await select('environment=prod&capability=pay&zone=z2')).toEqual(['b']);
    expect(await select('tag=team&tag=c')).toEqual(['a']);
    expect(await select('tag=team=y')).toEqual(['b']);
    expect(await select(`metadata=${encodeURIComponent('{"tags":{"team":"x"}}')}`)).toEqual(['a']);
    const { counts } = await getJson<Instances>('services/filtered/instances');
    expect(counts).toMatchObject({ total: 3, healthy: 2, maintenance: 1 });
  });

  it('take the service in any case, and keep namespaces apart', async () => {
    await register({ namespace: 'apart', service: 'lowered', instanceId: 'a' });
    expect(namesIn(await getJson('services/LOWERED/instances?namespace=apart'))).toEqual(['a']);
    expect(namesIn(await getJson('services/lowered/instances'))).toEqual([]);
  });
});

describe('services and namespaces', () => {
  interface Services {
    readonly revision: number;
    readonly services: readonly { readonly service: string }[];
  }

  it('are listed with their summaries', async () => {
    const metadata = { version: '1.0.0', tags: { team: 'x' } };
    const { revision } = await register({ namespace: 'listed', service: 'one', zone: 'z', metadata });
    const whole = await get('services?namespace=listed');
    const summary = {
      service: 'one',
      types: ['api'],
      instances: expect.objectContaining({ total: 1, healthy: 1, degraded: 0 }) as unknown,
      versions: ['1.0.0'],
      zones: ['z'],
      tags: ['team=x'],
    };
    expect(await whole.json()).toEqual({ revision, services: [summary] });
    const etag = whole.headers.get('etag')!;
    expect((await get('services?namespace=listed', { 'if-none-match': etag })).status).toBe(304);
    expect(await getJson<Services>('services?namespace=listed&zone=z')).toEqual({ revision, services: [summary] });
    expect(await getJson<Services>('services?namespace=listed&zone=y')).toEqual({ revision, services: [] });

    const { namespaces } = await getJson<{ namespaces: object[] }>('namespaces');
    expect(namespaces).toContainEqual({ namespace: 'listed', services: 1, instances: 1 });
  });
});

describe('the search', () => {
  interface Page {
    readonly revision: number;
    readonly items: readonly InstanceRecord[];
    readonly nextCursor: string | null;
  }

  it('walks over the catalog page by page', async () => {
    const names = Array.from({ length: 7 }, (_, n) => `i-${n}`);
    for (const instanceId of names) await register({ namespace: 'walked', service: 'many', instanceId });
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await getJson<Page>(`instances?namespace=walked&order=desc&limit=3${cursor}`);
      seen.push(...page.items.map(it => it.instanceId));
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    expect(seen).toEqual(names.reverse());
    const { items } = await getJson<Page>('instances?namespace=*&service=many&sort=updatedAt&order=desc&limit=1');
    expect(items[0]).toMatchObject({ namespace: 'walked', instanceId: 'i-6' });
  });

  it('answers as the service’s own list does, and 304 while nothing changes', async () => {
    const instance = await register({ namespace: 'same', service: 'one', instanceId: 'a', metadata: { b: [1] } });
    const [listed] = (await getJson<Instances>('services/one/instances?namespace=same')).instances;
    const response = await get('instances?namespace=same');
    const page = (await response.json()) as Page;
    expect(page.items).toEqual([listed]);
    expect(page.revision).toBeGreaterThanOrEqual(instance.revision);
    for (const liveness of ['lastSeenAt', 'expiresAt']) expect(listed).not.toHaveProperty(liveness);
    const etag = response.headers.get('etag')!;
    expect((await get('instances?namespace=same', { 'if-none-match': etag })).status).toBe(304);
    await register({ namespace: 'same', service: 'two' });
    expect((await get('instances?namespace=same', { 'if-none-match': etag })).status).toBe(200);
  });
});

describe('bad questions', () => {
  it.each([
    ['services', 'consistency=linear'],
    ['namespaces', 'consistency=strong&consistency=strong'],
    ['services/orders/instances', 'since=-1'],
    ['services', 'since=1&since=2'],
    ['namespaces', 'since=9007199254740992'],
    ['services/orders/instances', 'waitSeconds=30'],
    ['instances', 'waitSeconds=301&since=1'],
    ['services/orders/resolve', 'since=1'],
    ['services/orders/resolve', 'minRevision=1.5'],
    ['services/orders/instances', 'strategy=random'],
    ['instances', 'minRevision=0'],
    ['instances', 'asOf=1.5'],
    ['instances', 'consistency=strong&asOf=1'],
    ['services', 'since=1&waitSeconds=1&asOf=1'],
    ['services/orders/instances', 'minRevision=1&asOf=1'],
    ['instances', `filter=${'x'.repeat(2_001)}`],
    ['instances', 'filter=a%00'],
    ['services', 'filter='],
    ['instances', '__proto__=x'],
    ['namespaces', 'namespace=x'],
    ['services', 'limit=1'],
    ['instances', 'limit=0'],
    ['instances', 'limit=1001'],
    ['instances', 'sort=host'],
    ['instances', 'order=up'],
    ['instances', 'namespace=UPPER'],
    ['services', 'namespace=*'],
    ['services/orders/instances', 'status=fine'],
    ['services/orders/instances', 'zone=a%00b'],
    ['services/orders/instances', 'zone=%ff'],
  ])('are refused with the place of what is wrong: %s?%s', async (path, parameters) => {
    const { status, code, paths } = await problemOf(`${path}?${parameters}`);
    expect({ status, code }).toEqual({ status: 400, code: 'VALIDATION_FAILED' });
    expect(paths?.[0]).toContain(`/query/${parameters.split('=')[0]}`);
  });

  it.each([
    ['U+0000', asMetadata('{"a":"\\u0000"}')],
    ['half a surrogate pair', asMetadata('{"a":"\\udc00"}')],
    ['__proto__', asMetadata('{"__proto__":{}}')],
    ['depth', asMetadata(`{"a":${'['.repeat(1_500)}${']'.repeat(1_500)}}`)],
    ['1e400', asMetadata('{"a":1e400}')],
    ['no object', asMetadata('[]')],
    ['no JSON', asMetadata('{a:1}')],
    ['no range', 'appVersion=latest'],
    ['no expression', 'filter=x'],
  ])('are refused as filters: %s', async (_, parameters) => {
    for (const path of ['services', 'services/orders/instances', 'instances']) {
      expect(await problemOf(`${path}?${parameters}`)).toMatchObject({ status: 400, code: 'INVALID_FILTER' });
    }
  });

  it('are refused when they are too large, and when a cursor is not theirs', async () => {
    const huge = asMetadata(`{"a":"${'x'.repeat(4_200)}"}`);
    expect(await problemOf(`instances?${huge}`)).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    for (const cursor of ['x', '%5B%5D', 'bnVsbA']) {
      expect(await problemOf(`instances?cursor=${cursor}`)).toMatchObject({ status: 400, code: 'INVALID_CURSOR' });
    }
  });

  it('have no routes that do not exist yet', async () => {
    expect(await problemOf('services/orders')).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' });
    const bad = await get('services/bad%20name/instances');
    expect(bad.status).toBe(400);
    expect((await get('services/orders/instances', { 'if-none-match': 'unquoted' })).status).toBe(400);
  });
});

it('shows the view in the metrics', async () => {
  const text = await (await fetch(`${node.url}/metrics`)).text();
  expect(text).toMatch(/^pcs_view_loaded 1$/m);
  expect(text).toMatch(/^pcs_view_revision [1-9]\d*$/m);
  expect(text).toMatch(/^pcs_view_instances [1-9]\d*$/m);
  expect(text).toMatch(/^pcs_view_lag_revisions \d+$/m);
  expect(text).toMatch(/^pcs_view_staleness_seconds [\d.]+$/m);
  expect(text).toMatch(/^pcs_view_reloads_total 0$/m);
});
