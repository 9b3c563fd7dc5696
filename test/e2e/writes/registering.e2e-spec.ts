import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES, type LeasedView, named, type Problem } from '../../support/http/api.js';
import {
  brief,
  type CatalogService,
  discover,
  eventsOf,
  headOf,
  startCatalog,
} from '../../support/catalog/catalog-service.js';
import { waitFor } from '../../support/time/wait-for.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(() => catalog.close());

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const post = <T = Problem>(body: object, headers?: Record<string, string>, query = '') =>
  catalog.api.send<T>(
    'POST',
    `${INSTANCES}${query}`,
    { service: 'orders', host: '10.0.0.1', port: 80, ...body },
    headers,
  );

/** What a bad registration is answered. */
const refused = async (body: object, query = '') => brief((await post(body, {}, query)).body);

/** Objects in each other. */
const levels = (n: number): object => ({ a: n === 1 ? 1 : levels(n - 1) });

const invalid = (...at: string[]) => ({ status: 400, code: 'VALIDATION_FAILED', at });

describe('a registration of what is not there', () => {
  it('is 201 with the whole instance, every default filled in', async () => {
    const answer = await post<LeasedView>({ host: '10.1.0.1', port: 8080 });
    expect(answer.status).toBe(201);
    const { id, revision, registeredAt } = answer.body;
    expect(id).toMatch(UUID_V7);
    expect(registeredAt).toMatch(TIME);
    expect(answer.body).toEqual({
      id,
      namespace: 'default',
      service: 'orders',
      instanceId: '10.1.0.1:8080',
      incarnation: null,
      incarnationNumber: 1,
      type: 'api',
      scheme: 'http',
      host: '10.1.0.1',
      port: 8080,
      zone: null,
      weight: 100,
      status: 'healthy',
      health: {
        state: 'healthy',
        failures: 0,
        output: '',
        decidedBy: 'registration',
        since: registeredAt,
        lastCheckedAt: null,
        lastError: null,
      },
      override: null,
      metadata: {},
      check: { kind: 'heartbeat', ttlSeconds: 30, deregisterAfterSeconds: 900 },
      registeredAt,
      updatedAt: registeredAt,
      lastSeenAt: registeredAt,
      expiresAt: new Date(Date.parse(registeredAt) + 30_000).toISOString(),
      version: 1,
      revision,
    });
    expect(answer.headers.get('location')).toBe(`${INSTANCES}/${id}`);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.revision).toBe(revision);
    expect(answer.headers.get('x-catalog-epoch')).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers.get('x-request-id')).toMatch(UUID_V7);
  });

  it('gives back all that was said, and GET by id and by name agree', async () => {
    const said = {
      namespace: 'shop',
      service: 'basket',
      instanceId: 'basket-1@node:7_a.b',
      type: 'worker',
      scheme: 'grpcs',
      host: 'basket-1.internal',
      port: 65_535,
      zone: 'eu-1/a',
      weight: 0,
      metadata: {
        version: '1.0.0',
        tags: { team: 'ü' },
        capabilities: ['x'],
        anything: { else: [1, 2.5, null, true] },
      },
      check: { kind: 'none', ttlSeconds: 86_400, deregisterAfterSeconds: 0 },
    };
    const answer = await post<LeasedView>({ ...said, status: 'starting' });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ ...said, status: 'starting', health: { state: 'starting' } });
    const byId = await catalog.api.get<LeasedView>(`${INSTANCES}/${answer.body.id}`);
    expect(byId.body).toEqual(answer.body);
    expect(byId.headers.get('etag')).toBe('"1"');
    expect(byId.revision).toBeGreaterThanOrEqual(answer.revision);
    const byName = await catalog.api.get(`${named(said.instanceId, 'basket')}?namespace=shop`);
    expect(byName.body).toEqual(answer.body);
    expect((await catalog.api.get(named(said.instanceId, 'basket'))).status).toBe(404);
  });

  it('can be read through discovery of this node at once, without its signs of life', async () => {
    const { id, lastSeenAt: _, expiresAt: __, health, ...rest } = await catalog.api.register({ service: 'ryw' });
    const { lastCheckedAt: ___, lastError: ____, ...judged } = health;
    const { revision, instances } = await discover(catalog.api, 'ryw');
    expect(instances).toEqual([{ id, ...rest, health: judged }]);
    expect(revision).toBe(rest.revision);
  });

  it.each([
    ['upper case of the service', { service: 'Orders.V2' }, { service: 'orders.v2' }],
    ['upper case of the host', { host: 'Host.Example' }, { host: 'host.example', instanceId: 'host.example:80' }],
    ['an IPv6 host', { host: '2001:DB8::7' }, { host: '2001:db8::7', instanceId: '[2001:db8::7]:80' }],
    ['the longest names', { service: 's'.repeat(100), instanceId: 'i'.repeat(200) }, { instanceId: 'i'.repeat(200) }],
    ['a namespace of 63', { namespace: 'n'.repeat(63) }, { namespace: 'n'.repeat(63) }],
    ['the greatest weight', { weight: 10_000, port: 1 }, { weight: 10_000 }],
    ['the shortest lease', { check: { ttlSeconds: 1 }, port: 2 }, { check: { kind: 'heartbeat', ttlSeconds: 1 } }],
    ['a check without a lease', { check: { kind: 'none' }, port: 3 }, { check: { kind: 'none', ttlSeconds: null } }],
    ['8 levels of metadata', { metadata: levels(8), port: 4 }, {}],
    ['32 KiB of metadata', { metadata: { a: 'x'.repeat(32 * 1024 - 8) }, port: 5 }, {}],
  ])('takes %s', async (_, body, expected) => {
    const answer = await post<LeasedView>({ namespace: 'bounds', ...body });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject(expected);
    const path = `${named(answer.body.instanceId, answer.body.service)}?namespace=${answer.body.namespace}`;
    expect((await catalog.api.get<LeasedView>(path)).body.id).toBe(answer.body.id);
  });

  it('never expires without a lease', async () => {
    const instance = await catalog.api.register({ service: 'unwatched', check: { kind: 'none' } });
    expect(instance.expiresAt).toBeNull();
  });
});

describe('a bad registration', () => {
  it.each([
    ['service', ['', '-a', 'a-', 'a b', 'ä', 's'.repeat(101), 7, null]],
    ['namespace', ['', 'Shop', '*', 'a_b', '-a', 'n'.repeat(64), null]],
    ['instanceId', ['', 'a/b', 'a b', 'ä', 'i'.repeat(201), 7]],
    ['host', ['', '0.0.0.0', '::', '::ffff:0.0.0.0', '[::1]', '*', '*.a.b', 'a b', 'a:1', '999.1.1.1', 'ä.b', null, 7]],
    ['port', [0, 65_536, -1, 8080.5, '8080', null, true]],
    ['type', ['API', 'thing', '', null]],
    ['scheme', ['ftp', 'HTTP', '']],
    ['zone', ['', 'a b', 'z'.repeat(101), 7]],
    ['weight', [-1, 10_001, 1.5, '1']],
    ['status', ['degraded', 'unhealthy', 'stopping', 'maintenance', '']],
    ['metadata', [[], 'text', null, 7, { a: 'x'.repeat(32 * 1024) }]],
  ])('is told of a bad %s', async (field, values) => {
    for (const value of values) {
      expect(await refused({ [field]: value }), JSON.stringify(value).slice(0, 80)).toEqual(invalid(`/${field}`));
    }
  });

  it.each([
    ['/metadata/tags/team', { metadata: { tags: { team: 1 } } }],
    ['/metadata/capabilities/0', { metadata: { capabilities: [1] } }],
    ['/metadata/version', { metadata: { version: 2 } }],
    ['/check/path', { check: { kind: 'http', path: 'health' } }],
    ['/check/expectedStatuses', { check: { kind: 'http', expectedStatuses: '2xx' } }],
    ['/check/headers/authorization', { check: { kind: 'http', headers: { authorization: 'Bearer x' } } }],
    ['/check/timeoutSeconds', { check: { kind: 'tcp', intervalSeconds: 5, timeoutSeconds: 6 } }],
    ['/check/serviceName', { check: { kind: 'grpc', serviceName: 'a b' } }],
    ['/status', { check: { kind: 'tcp' }, status: 'healthy' }],
    ['/check/kind', { check: { kind: 'dns' } }],
    ['/check/ttlSeconds', { check: { ttlSeconds: 0 } }],
    ['/check/ttlSeconds', { check: { ttlSeconds: 86_401 } }],
    ['/check/ttlSeconds', { check: { ttlSeconds: 1.5 } }],
    ['/check/deregisterAfterSeconds', { check: { deregisterAfterSeconds: -1 } }],
  ])('is told of a bad %s', async (path, body) => {
    expect(await refused(body)).toEqual(invalid(path));
  });

  it.each(['http', 'tcp', 'grpc'])('is told that its address may not be probed (%s)', async kind => {
    for (const host of ['10.0.0.1', '169.254.169.254', '::ffff:10.0.0.1', 'fe80::1']) {
      expect(await refused({ host, check: { kind } }), host).toEqual(invalid('/host'));
    }
    const { body } = await post({ host: '10.0.0.1', check: { kind } });
    expect(body.detail).toMatch(/PCS_PROBE_ALLOW/);
  });

  it.each(['id', 'health', 'override', 'version', 'revision', 'registeredAt', 'updatedAt', 'lastSeenAt', 'expiresAt'])(
    'is told that %s is the server’s',
    async field => {
      expect(await refused({ [field]: null })).toEqual(invalid(`/${field}`));
    },
  );

  it('is told of 9 levels of metadata', async () => {
    const { body } = await post({ metadata: levels(9) });
    expect(body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect(body.errors?.[0]?.path).toMatch(/^\/metadata\/a/);
  });

  it('is told of every bad field at once, with where each of them is', async () => {
    const { body } = await catalog.api.send('POST', `${INSTANCES}?namespaces=x`, {
      port: 0,
      weight: -1,
      metadata: { tags: { 'a/b~c': 1 } },
      nonsense: 1,
    });
    expect(body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED', type: '/docs/errors/VALIDATION_FAILED' });
    expect(body.errors?.map(error => error.path).sort()).toEqual([
      '/host',
      '/metadata/tags/a~1b~0c',
      '/nonsense',
      '/port',
      '/query/namespaces',
      '/service',
      '/weight',
    ]);
  });

  it('may not contradict its URL about the namespace, but may repeat it', async () => {
    expect(await refused({ namespace: 'a' }, '?namespace=b')).toEqual(invalid('/namespace'));
    const answer = await post<LeasedView>({ namespace: 'a' }, {}, '?namespace=a');
    expect(answer.body).toMatchObject({ namespace: 'a' });
  });

  it('leaves nothing behind', async () => {
    expect(await eventsOf(catalog.api, `namespace=b`)).toEqual([]);
  });
});

describe('a registration of what is there', () => {
  it('replaces the record under the same id', async () => {
    const first = await catalog.api.register({ instanceId: 'again', metadata: { a: 1, b: 2 }, zone: 'eu-1' });
    const second = await post<LeasedView>({ instanceId: 'again', host: '10.0.0.1', port: 8080, metadata: { c: 3 } });
    expect(second.status).toBe(200);
    expect(second.headers.get('location')).toBeNull();
    expect(second.headers.get('etag')).toBe('"2"');
    expect(second.body).toMatchObject({
      id: first.id,
      registeredAt: first.registeredAt,
      version: 2,
      revision: first.revision + 1,
      metadata: { c: 3 },
      zone: null,
    });
  });

  it('costs nothing when it says nothing new, but renews the lease', async () => {
    const instance = { instanceId: 'unchanged', metadata: { a: { b: [1, 2] }, c: 'd' }, check: { ttlSeconds: 30 } };
    const first = await catalog.api.register(instance);
    await catalog.sql(`update instance_lease set renewed_at = renewed_at - interval '20 s' where instance_id = $1`, [
      first.id,
    ]);
    const before = await headOf(catalog.api);
    const answer = await post<LeasedView>({
      port: 8080,
      metadata: { c: 'd', a: { b: [1, 2] } },
      instanceId: 'unchanged',
      status: 'starting',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.body).toMatchObject({ id: first.id, version: 1, revision: first.revision, status: 'healthy' });
    expect(await headOf(catalog.api)).toBe(before);
    await waitFor(
      'the renewal is noted',
      async () => (await catalog.api.read(first.id)).lastSeenAt >= first.lastSeenAt,
    );
    const read = await catalog.api.read(first.id);
    expect(Date.parse(read.expiresAt ?? '') - Date.parse(read.lastSeenAt)).toBe(30_000);
  });

  it('leaves reported health and an override alone, unless the endpoint or the check changed', async () => {
    const { id } = await catalog.api.register({ instanceId: 'ill' });
    await catalog.api.ok('POST', `${INSTANCES}/${id}/health-reports`, { healthy: false, output: 'no disk' });
    await catalog.api.ok('PUT', `${INSTANCES}/${id}/override`, { status: 'maintenance' });
    const ill = { health: { state: 'degraded', failures: 1, output: 'no disk' }, override: { status: 'maintenance' } };
    expect(await catalog.api.register({ instanceId: 'ill' })).toMatchObject({ ...ill, version: 3 });
    expect(await catalog.api.register({ instanceId: 'ill', zone: 'eu', status: 'unknown' })).toMatchObject({
      ...ill,
      version: 4,
    });
    const moved = await catalog.api.register({ instanceId: 'ill', zone: 'eu', port: 81 });
    expect(moved).toMatchObject({
      status: 'maintenance',
      health: { state: 'healthy', failures: 0, output: '', decidedBy: 'registration', lastCheckedAt: null },
      override: { status: 'maintenance' },
      version: 5,
    });
    const check = { kind: 'none' };
    const rechecked = await catalog.api.register({ instanceId: 'ill', zone: 'eu', port: 81, check, status: 'unknown' });
    expect(rechecked).toMatchObject({ health: { state: 'unknown' }, version: 6 });
  });
});

describe('preconditions of a registration', () => {
  it('If-None-Match: * refuses what is there', async () => {
    const first = await post<LeasedView>({ instanceId: 'fresh' }, { 'if-none-match': '*' });
    expect(first.status).toBe(201);
    const second = await post({ instanceId: 'fresh', weight: 1 }, { 'if-none-match': '*' });
    expect(second.body).toMatchObject({ status: 412, code: 'ALREADY_REGISTERED', currentVersion: 1 });
    expect((await catalog.api.read(first.body.id)).weight).toBe(100);
  });

  it('If-None-Match knows nothing but *', async () => {
    const { body } = await post({ instanceId: 'tagged' }, { 'if-none-match': '"1"' });
    expect(brief(body)).toEqual(invalid('/header/if-none-match'));
  });

  it('If-Match must meet the version, and an instance', async () => {
    await catalog.api.register({ instanceId: 'matched' });
    const stale = await post({ instanceId: 'matched', weight: 1 }, { 'if-match': '"7"' });
    expect(stale.body).toMatchObject({ status: 412, code: 'VERSION_MISMATCH', currentVersion: 1 });
    expect((await post({ instanceId: 'matched', weight: 1 }, { 'if-match': '"7", "1"' })).status).toBe(200);
    expect((await post({ instanceId: 'not-there' }, { 'if-match': '*' })).status).toBe(404);
  });
});
