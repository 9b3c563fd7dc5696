import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '@coordination/kernel';
import { instanceOf, RegistryService } from '@coordination/registry';
import { INSTANCES, type LeasedView, named, type Problem } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import {
  type CatalogService,
  discover,
  eventsOf,
  headOf,
  startCatalog,
} from '../../support/catalog/catalog-service.js';
import { aSpec } from '../../support/catalog/factories.js';
import { sendRaw } from '../../support/http/raw-http.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(async () => {
  await assertCatalogInvariants(catalog.database.url);
  await catalog.close();
});

/** Registers as an earlier version of the service did, which accepted more. */
async function registerAsBefore(instanceId: string, host: string, service: string): Promise<LeasedView> {
  const identity = { namespace: 'default', service, instanceId };
  const result = await catalog.nodes[0]!.app.get(RegistryService, { strict: false }).register({
    kind: 'register',
    id: newId(),
    identity,
    spec: aSpec({ host, port: 8080 }),
  });
  return instanceOf(result).instance as LeasedView;
}

const register = (body: object) =>
  catalog.api.send<LeasedView>('POST', INSTANCES, { service: 'hosts', port: 8080, ...body });
const resolve = async (service: string, query = '') =>
  await catalog.api.send<{ url: string; instance: LeasedView }>(
    'GET',
    `/api/v1/discovery/services/${service}/resolve?${query}`,
  );
const search = async (host: string) => {
  const path = `/api/v1/discovery/instances?status=any&host=${encodeURIComponent(host)}`;
  const { items } = await catalog.api.ok<{ items: LeasedView[] }>('GET', path);
  return items.map(({ instanceId }) => instanceId).sort();
};

describe('a host in another spelling', () => {
  it.each([
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1', '[2001:db8::1]:8080'],
    ['::ffff:10.0.3.17', '10.0.3.17', '10.0.3.17:8080'],
    ['Orders.EXAMPLE.org', 'orders.example.org', 'orders.example.org:8080'],
  ])('%s is the host %s, by default of the name %s', async (given, host, instanceId) => {
    const first = await register({ host: given });
    expect(first).toMatchObject({ status: 201, body: { host, instanceId, version: 1 } });
    const before = await headOf(catalog.api);
    for (const again of [host, given, given.toLowerCase()]) {
      expect(await register({ host: again })).toMatchObject({ status: 200, body: { id: first.body.id, version: 1 } });
    }
    expect(await headOf(catalog.api)).toBe(before);
    expect((await catalog.api.get(named(instanceId, 'hosts'))).status).toBe(200);
    expect((await catalog.api.send('PUT', `${named(instanceId, 'hosts')}/heartbeat`)).status).toBe(204);
    for (const sought of [host, given]) expect(await search(sought)).toEqual([instanceId]);
    const { hostname, port } = new URL((await resolve('hosts', `host=${encodeURIComponent(given)}`)).body.url);
    expect([hostname, port]).toEqual([host.includes(':') ? `[${host}]` : host, '8080']);
    const selector = { service: 'hosts', host: given };
    const overridden = await catalog.api.ok<{ changed: number }>('PUT', '/api/v1/registry/overrides', {
      selector,
      status: 'maintenance',
    });
    expect(overridden.changed).toBe(1);
    expect((await catalog.api.send('DELETE', named(instanceId, 'hosts'))).status).toBe(204);
  });

  it('is the same instance twice in a batch', async () => {
    const instances = ['2001:db8::9', '2001:DB8:0::9'].map(host => ({ service: 'hosts', host, port: 1 }));
    const { status, body } = await catalog.api.send('POST', `${INSTANCES}/batch`, { instances });
    expect([status, body.errors?.map(({ path }) => path)]).toEqual([400, ['/instances/1']]);
  });

  it.each([
    'fe80::1%eth0',
    '::1%lo',
    '0::0',
    '::ffff:0:0',
    '0.1.2.3',
    '255.255.255.255',
    '010.0.0.1',
    'orders.example.',
  ])('%s is refused wherever a host is given', async host => {
    const { id } = await catalog.api.register({ service: 'refusing', instanceId: 'a' });
    const refusals = [
      await register({ host }),
      await catalog.api.send('POST', `${INSTANCES}/batch`, { instances: [{ service: 'hosts', host, port: 1 }] }),
      await catalog.api.send('PUT', `${INSTANCES}/${id}`, { host, port: 1 }),
      await catalog.api.send('PUT', named('b', 'refusing'), { host, port: 1 }),
      await catalog.api.send('PATCH', `${INSTANCES}/${id}`, { host }),
    ];
    for (const { status, body } of refusals) {
      expect([status, (body as Problem).errors?.map(({ path }) => path.replace('/instances/0', ''))]).toEqual([
        400,
        ['/host'],
      ]);
    }
  });
});

describe('an instance with a host that was accepted earlier', () => {
  const LONG = '2001:db8:0:0:0:0:0:17';

  it.each(['fe80::1%eth0', LONG, '0.1.2.3'])('%s: is read, renewed, changed, found and removed', async host => {
    const service = `earlier-${host.length}`;
    const { id } = await registerAsBefore('old', host, service);
    expect(await catalog.api.read(id)).toMatchObject({ host, version: 1 });
    expect((await catalog.api.send('PUT', `${INSTANCES}/${id}/heartbeat`)).status).toBe(204);
    expect((await catalog.api.send('PUT', `${named('old', service)}/heartbeat`)).status).toBe(204);
    const patched = await catalog.api.ok('PATCH', `${INSTANCES}/${id}`, { weight: 1 });
    expect(patched).toMatchObject({ host, weight: 1, version: 2 });
    expect(await search(host)).toEqual(['old']);
    expect((await discover(catalog.api, service)).instances).toMatchObject([{ host }]);
    expect((await catalog.api.send('DELETE', `${INSTANCES}/${id}`)).status).toBe(204);
    const events = await eventsOf(catalog.api, `service=${service}`);
    expect(events.map(({ before, after }) => after ?? before)).toMatchObject([{ host }, { host }, { host }]);
  });

  it('gets the spelling of today when it registers again, and its health goes on', async () => {
    const { id } = await registerAsBefore('spelt', LONG, 'spelling');
    await catalog.api.ok('POST', `${INSTANCES}/${id}/health-reports`, { healthy: false });
    const again = await catalog.api.register({
      service: 'spelling',
      instanceId: 'spelt',
      host: LONG,
      check: undefined,
    });
    expect(again).toMatchObject({ id, host: '2001:db8::17', status: 'degraded' });
  });

  it('is not given out by resolve where no URL can have it, and others are', async () => {
    await registerAsBefore('zoned', 'fe80::1%eth0', 'zones');
    expect(await resolve('zones')).toMatchObject({ status: 404, body: { code: 'NO_INSTANCE_AVAILABLE' } });
    await catalog.api.register({ service: 'zones', instanceId: 'good' });
    for (const query of ['', 'panicThreshold=100', 'strategy=round_robin', 'status=any']) {
      for (let n = 0; n < 5; n++) expect((await resolve('zones', query)).body.instance.instanceId).toBe('good');
    }
  });
});

describe('a name that paths cannot have', () => {
  it.each(['.', '..'])('%s is not given to an instance', async instanceId => {
    const body = { service: 'dots', host: '10.0.0.1', port: 8080 };
    for (const answer of [
      await register({ ...body, instanceId }),
      await catalog.api.send('POST', `${INSTANCES}/batch`, { instances: [{ ...body, instanceId }] }),
    ]) {
      expect(answer.status).toBe(400);
      expect((answer.body as unknown as Problem).errors).toMatchObject([
        {
          path: expect.stringMatching(/\/instanceId$/) as string,
          message: expect.stringContaining('by its id') as string,
        },
      ]);
    }
  });

  it.each(['.', '..'])('%s stays, and is read, renewed, overridden and removed by id', async instanceId => {
    const service = `dots-${instanceId.length}`;
    const { id } = await registerAsBefore(instanceId, '10.0.0.1', service);
    const byId = `${INSTANCES}/${id}`;
    expect(await catalog.api.read(id)).toMatchObject({ instanceId });
    expect((await catalog.api.send('PUT', `${byId}/heartbeat`)).status).toBe(204);
    expect(await catalog.api.ok('POST', '/api/v1/registry/heartbeats', { ids: [id] })).toMatchObject({ notFound: [] });
    expect(await catalog.api.ok('PATCH', byId, { weight: 1, instanceId })).toMatchObject({ weight: 1 });
    expect(await catalog.api.ok('PUT', byId, { host: '10.0.0.1', port: 8080, instanceId })).toMatchObject({
      instanceId,
    });
    expect(await catalog.api.ok('PUT', `${byId}/override`, { status: 'maintenance' })).toMatchObject({ instanceId });
    expect((await catalog.api.get(`${byId}/explain`)).status).toBe(200);
    expect(await register({ service, instanceId, host: '10.0.0.1', port: 8080 })).toMatchObject({ status: 400 });
    const gone = await catalog.api.ok('POST', '/api/v1/registry/deregistrations', { ids: [id] });
    expect(gone).toMatchObject({ deregistered: 1 });
  });

  it.each([
    ['DELETE', './override'],
    ['DELETE', '%2e/override'],
    ['DELETE', '../instances/override'],
    ['DELETE', '%2E%2e/instances/override'],
    ['PUT', './heartbeat'],
    ['GET', '.'],
  ])('is refused in a path that arrives with it: %s …/%s', async (method, rest) => {
    await registerAsBefore('.', '10.0.0.1', 'raw-dots');
    await catalog.api.register({ service: 'raw-dots', instanceId: 'override' });
    const answer = await sendRaw(
      catalog.api.url,
      `${method} /api/v1/registry/services/raw-dots/instances/${rest} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    // A path that has another number of segments is none of ours.
    expect(answer).toMatch(rest.includes('instances') ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 400 [^]*by its id/);
    expect((await discover(catalog.api, 'raw-dots')).instances).toHaveLength(2);
  });
});

describe('a name that is also that of a route below an instance', () => {
  it.each([
    'override',
    'heartbeat',
    'health-reports',
    'explain',
    'history',
    'batch',
    'resolve',
    'instances',
    '...',
    '.a',
    'a.',
  ])('%s is as good as any', async instanceId => {
    const { id } = await catalog.api.register({ service: 'routes', instanceId });
    await catalog.api.register({ service: 'routes', instanceId: 'other' });
    expect((await catalog.api.get<LeasedView>(named(instanceId, 'routes'))).body.id).toBe(id);
    expect((await catalog.api.send('PUT', `${named(instanceId, 'routes')}/heartbeat`)).status).toBe(204);
    expect((await catalog.api.send('DELETE', `${named(instanceId, 'routes')}/override`)).status).toBe(200);
    expect((await catalog.api.send('DELETE', named(instanceId, 'routes'))).status).toBe(204);
    expect((await discover(catalog.api, 'routes')).instances).toMatchObject([{ instanceId: 'other' }]);
  });
});
