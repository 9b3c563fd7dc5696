import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { INSTANCES, type LeasedView, LONG_LEASE, named, type Problem } from '../../support/http/api.js';
import {
  brief,
  type CatalogService,
  discover,
  eventsOf,
  headOf,
  startCatalog,
} from '../../support/catalog/catalog-service.js';

let catalog: CatalogService;
let instance: LeasedView;
let count = 0;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(() => catalog.close());
beforeEach(async () => {
  const metadata = { version: '1.0.0', tags: { team: 'a', tier: 'b' }, capabilities: ['x'] };
  instance = await catalog.api.register({ instanceId: `i-${++count}`, zone: 'eu-1', weight: 7, metadata });
});

const ABSENT = `${INSTANCES}/0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f99`;
const byId = () => `${INSTANCES}/${instance.id}`;
const byName = () => named(instance.instanceId);
const invalid = (...at: string[]) => ({ status: 400, code: 'VALIDATION_FAILED', at });

const send = <T = Problem>(method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  catalog.api.send<T>(method, path, body, headers);
const SPEC = { host: '10.0.0.1', port: 8080 };

describe('PUT of an instance', () => {
  it('replaces what the caller may set, and takes back to its default what is left out', async () => {
    const answer = await send<LeasedView>('PUT', byId(), SPEC);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"2"');
    expect(answer.revision).toBe(answer.body.revision);
    expect(answer.body).toMatchObject({
      ...SPEC,
      id: instance.id,
      instanceId: instance.instanceId,
      registeredAt: instance.registeredAt,
      zone: null,
      weight: 100,
      metadata: {},
      version: 2,
    });
  });

  it('may repeat the identity, and not change it', async () => {
    const { namespace, service, instanceId } = instance;
    expect((await send('PUT', byId(), { ...SPEC, namespace, service, instanceId })).status).toBe(200);
    const bad = { ...SPEC, namespace: 'other', service: 'other', instanceId: 'other' };
    const { body } = await send('PUT', byId(), bad);
    expect(brief(body)).toEqual(invalid('/namespace', '/service', '/instanceId'));
    expect((await send('PUT', byName(), { ...SPEC, service: 'other' })).status).toBe(400);
    expect((await send('PUT', byName(), { ...SPEC, instanceId: 'other' })).status).toBe(400);
    expect((await send('PUT', `${byName()}?namespace=a`, { ...SPEC, namespace: 'b' })).status).toBe(400);
    expect((await send('PUT', byName(), { ...SPEC, service: 'ORDERS' })).status).toBe(200);
  });

  it('takes the id in either case, as UUIDs are', async () => {
    const shouted = `${INSTANCES}/${instance.id.toUpperCase()}`;
    expect(await catalog.api.ok('PUT', shouted, SPEC)).toMatchObject({ id: instance.id, version: 2 });
    expect(await catalog.api.ok('PATCH', shouted, { weight: 9 })).toMatchObject({ id: instance.id, version: 3 });
    const ids = [instance.id, instance.id.toUpperCase()];
    const heartbeats = await catalog.api.ok('POST', '/api/v1/registry/heartbeats', { ids });
    expect(heartbeats).toEqual({ renewed: 1, notFound: [] });
    const gone = await catalog.api.ok('POST', '/api/v1/registry/deregistrations', { ids });
    expect(gone).toEqual({ deregistered: 1, notFound: [] });
  });

  it('of what is stored costs nothing', async () => {
    await send('PUT', byId(), SPEC);
    const before = await headOf(catalog.api);
    expect(await catalog.api.ok('PUT', byId(), SPEC)).toMatchObject({ version: 2 });
    expect(await headOf(catalog.api)).toBe(before);
  });

  it('starts health over only with the endpoint or the check', async () => {
    const same = { ...SPEC, check: LONG_LEASE };
    await catalog.api.ok('POST', `${byId()}/health-reports`, { healthy: false });
    expect(await catalog.api.ok('PUT', byId(), { ...same, weight: 1, status: 'starting' })).toMatchObject({
      status: 'degraded',
    });
    expect(await catalog.api.ok('PUT', byId(), { ...same, scheme: 'https', status: 'starting' })).toMatchObject({
      status: 'starting',
      health: { failures: 0 },
    });
  });

  it('by id needs an instance; by name it makes one', async () => {
    expect((await send('PUT', ABSENT, SPEC)).body).toMatchObject({ status: 404, code: 'INSTANCE_NOT_FOUND' });
    const path = `${named(`new-${instance.instanceId}`)}?namespace=shop`;
    const created = await send<LeasedView>('PUT', path, SPEC);
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe(`${INSTANCES}/${created.body.id}`);
    expect(created.body).toMatchObject({ namespace: 'shop', version: 1 });
    expect((await send('PUT', path, SPEC, { 'if-none-match': '*' })).body.code).toBe('ALREADY_REGISTERED');
    expect((await send('PUT', path, { ...SPEC, port: 1 })).status).toBe(200);
  });

  it('refuses what is the server’s, and a probe that is not allowed', async () => {
    for (const field of ['id', 'health', 'override', 'version', 'revision', 'registeredAt']) {
      expect(brief((await send('PUT', byId(), { ...SPEC, [field]: 1 })).body)).toEqual(invalid(`/${field}`));
    }
    const { body } = await send('PUT', byId(), { ...SPEC, host: '10.0.0.1', check: { kind: 'tcp' } });
    expect(brief(body)).toEqual(invalid('/host'));
    expect(body.detail).toMatch(/PCS_PROBE_ALLOW/);
  });
});

describe('PATCH of an instance', () => {
  it.each(['application/merge-patch+json', 'application/json', 'application/merge-patch+json; charset=utf-8'])(
    'merges (%s)',
    async contentType => {
      const patch = { weight: 50, metadata: { tags: { tier: null, zone: 'z' }, capabilities: ['y'] } };
      const answer = await send<LeasedView>('PATCH', byId(), patch, { 'content-type': contentType });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('etag')).toBe('"2"');
      expect(answer.body).toMatchObject({ weight: 50, zone: 'eu-1', version: 2 });
      expect(answer.body.metadata).toEqual({
        version: '1.0.0',
        tags: { team: 'a', zone: 'z' },
        capabilities: ['y'],
      });
    },
  );

  it('takes fields back to their defaults by null', async () => {
    const patched = await catalog.api.ok('PATCH', byName(), { weight: null, zone: null, metadata: null, check: null });
    expect(patched).toMatchObject({ weight: 100, zone: null, check: { kind: 'heartbeat', ttlSeconds: 30 } });
    expect(patched.metadata).toEqual({});
  });

  it('judges the result', async () => {
    expect(brief((await send('PATCH', byId(), { host: null, port: 'x' })).body)).toEqual(invalid('/host', '/port'));
    expect(brief((await send('PATCH', byId(), { metadata: { tags: { a: 1 } } })).body)).toEqual(
      invalid('/metadata/tags/a'),
    );
    expect(brief((await send('PATCH', byId(), { check: { kind: 'dns' } })).body).at).toContain('/check/kind');
  });

  it('is refused when it would make a probe that is not allowed', async () => {
    const probe = { host: '10.0.0.1', check: { kind: 'http' } };
    expect(brief((await send('PATCH', byId(), probe)).body)).toEqual(invalid('/host'));
  });

  it.each(['id', 'health', 'override', 'status', 'version', 'revision', 'registeredAt', 'lastSeenAt', 'nonsense'])(
    'does not take %s',
    async field => {
      expect(brief((await send('PATCH', byId(), { [field]: 'x' })).body)).toEqual(invalid(`/${field}`));
    },
  );

  it('cannot change the identity', async () => {
    for (const [field, value] of [
      ['service', 'other'],
      ['instanceId', 'other'],
      ['namespace', 'other'],
      ['service', null],
    ] as const) {
      expect(brief((await send('PATCH', byId(), { [field]: value })).body)).toEqual(invalid(`/${field}`));
    }
    const { namespace, instanceId } = instance;
    expect((await send('PATCH', byId(), { namespace, instanceId, service: 'Orders' })).status).toBe(200);
  });

  it('that changes nothing costs nothing', async () => {
    const before = await headOf(catalog.api);
    for (const patch of [{}, { weight: 7 }, { metadata: { tags: { none: null } } }]) {
      expect(await catalog.api.ok('PATCH', byId(), patch)).toMatchObject({ version: 1 });
    }
    expect(await headOf(catalog.api)).toBe(before);
  });

  it('must be of a type that it can be read as', async () => {
    const { body } = await send('PATCH', byId(), '{}', { 'content-type': 'application/json-patch+json' });
    expect(body).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
    expect((await send('PATCH', byId(), [])).status).toBe(400);
  });
});

describe('If-Match', () => {
  const operations = [
    { method: 'PUT', path: '', body: { ...SPEC, weight: 1 } },
    { method: 'PATCH', path: '', body: { weight: 1 } },
    { method: 'POST', path: '/health-reports', body: { healthy: false } },
    { method: 'PUT', path: '/override', body: { status: 'stopping' } },
    { method: 'DELETE', path: '/override', body: undefined },
    { method: 'DELETE', path: '', body: undefined },
  ];

  describe.each([
    ['id', byId],
    ['name', byName],
  ])('by %s', (_, where) => {
    it.each(operations)('guards $method $path', async ({ method, path, body }) => {
      const target = `${where()}${path}`;
      for (const stale of ['"2"', 'W/"2"', '"2-gzip"', '"9007199254740991"', '"3", "4"']) {
        const answer = await send(method, target, body, { 'if-match': stale });
        expect(answer.body).toMatchObject({ status: 412, code: 'VERSION_MISMATCH', currentVersion: 1 });
      }
      for (const bad of ['W/1', '1', '"x"', '', '"0"', '"9007199254740992"', '"1", *', '"1" "2"']) {
        const answer = await send(method, target, body, { 'if-match': bad });
        expect(brief(answer.body), bad).toEqual(invalid('/header/if-match'));
      }
      expect((await catalog.api.read(instance.id)).version).toBe(1);
      const answer = await send(method, target, body, { 'if-match': '"5", W/"1"' });
      expect(answer.status).toBe(target.endsWith('override') || method !== 'DELETE' ? 200 : 204);
    });

    it.each(operations)('takes any version for *, but needs one: $method $path', async ({ method, path, body }) => {
      const answer = await send(method, `${where()}${path}`, body, { 'if-match': '*' });
      expect(answer.status).toBeLessThan(300);
      const absent = where === byId ? ABSENT : named('nobody');
      expect((await send(method, `${absent}${path}`, body, { 'if-match': '*' })).status).toBe(404);
    });
  });
});

describe('DELETE of an instance', () => {
  it.each([
    ['id', byId],
    ['name', byName],
  ])('by %s is 204 once, then 404, and the name begins anew', async (_, where) => {
    const answer = await send<undefined>('DELETE', where());
    expect(answer).toMatchObject({ status: 204, body: undefined });
    expect(answer.revision).toBeGreaterThan(instance.revision);
    expect((await discover(catalog.api)).instances.map(({ id }) => id)).not.toContain(instance.id);
    for (const [method, path, body] of [
      ['DELETE', where()],
      ['GET', where()],
      ['PATCH', where(), {}],
      ['POST', `${where()}/health-reports`, { healthy: true }],
      ['PUT', `${where()}/override`, { status: 'stopped' }],
      ['DELETE', `${where()}/override`],
      ['PUT', `${where()}/heartbeat`],
    ] as const) {
      const { body: problem } = await send(method, path, body);
      expect(problem, `${method} ${path}`).toMatchObject({ status: 404, code: 'INSTANCE_NOT_FOUND' });
    }
    const again = await catalog.api.register({ instanceId: instance.instanceId });
    expect(again).toMatchObject({ version: 1 });
    expect(again.id).not.toBe(instance.id);
  });
});

describe('what every write says of its catalog', () => {
  it('is the revision of the log at which its change stands', async () => {
    for (const [method, path, body] of [
      ['PATCH', byId(), { weight: 1 }],
      ['PUT', `${byId()}/override`, { status: 'stopped' }],
      ['DELETE', byName()],
    ] as const) {
      const answer = await send(method, path, body);
      const [event] = await eventsOf(catalog.api, `instance=${instance.id}&afterRevision=${answer.revision - 1}`);
      expect(event?.revision).toBe(answer.revision);
    }
  });
});
