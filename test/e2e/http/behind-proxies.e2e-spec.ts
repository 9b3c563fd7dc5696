import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Api, INSTANCES, type LeasedView, named } from '../../support/http/api.js';
import { type CatalogService, eventsOf, startCatalog } from '../../support/catalog/catalog-service.js';
import { sendRaw } from '../../support/http/raw-http.js';
import { type ProxyHabits, type ReverseProxy, startReverseProxy } from '../../support/http/reverse-proxy.js';

let catalog: CatalogService;
let proxy: ReverseProxy | undefined;

beforeAll(async () => {
  catalog = await startCatalog({
    env: { PCS_TRUSTED_PROXIES: '::ffff:127.0.0.0/104', PCS_ALLOWED_HOSTS: 'other.example' },
  });
});
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
});
afterAll(() => catalog.close());

async function through(habits: ProxyHabits = {}): Promise<Api> {
  proxy = await startReverseProxy(catalog.api.url, habits);
  return new Api(proxy.url);
}

let keyed = 0;

describe.each([
  ['weak, as nginx and Envoy make it', (tag: string) => `W/${tag}`],
  ['with the coding at its end, as Apache makes it', (tag: string) => tag.replace(/"$/, '-gzip"')],
  ['weak and with another coding', (tag: string) => `W/${tag.replace(/"$/, ';br"')}`],
])('an ETag that comes back %s', (_what, changeTag) => {
  it('names the version, for a change and against a lost one', async () => {
    const api = await through({ changeTag });
    const instance = await catalog.api.register({ instanceId: 'tagged' });
    const tag = (await api.get(`${INSTANCES}/${instance.id}`)).headers.get('etag') ?? '';
    expect(tag).toBe(changeTag(`"${instance.version}"`));
    const patch = (weight: number) => api.send<LeasedView>('PATCH', named('tagged'), { weight }, { 'if-match': tag });
    expect((await patch(1 + (instance.weight % 100))).body.version).toBe(instance.version + 1);
    expect(await patch(50)).toMatchObject({ status: 412, body: { currentVersion: instance.version + 1 } });
    expect((await api.send('DELETE', named('tagged'), undefined, { 'if-match': tag })).status).toBe(412);
  });

  it('names the list, so that what has not changed is not sent again', async () => {
    const api = await through({ changeTag });
    await catalog.api.register({ service: 'listed' });
    for (const path of ['/api/v1/discovery/services/listed/instances?status=any', '/api/v1/discovery/services']) {
      const tag = (await api.get(path)).headers.get('etag') ?? '';
      expect((await api.get(path, { 'if-none-match': tag })).status, path).toBe(304);
    }
  });

  it('makes no other request of one that is sent again under its key', async () => {
    const { id, version } = await catalog.api.register({
      service: 'keyed',
      instanceId: `keyed-${(keyed += 1)}`,
    });
    const send = (tag: string) =>
      catalog.api.send<LeasedView>(
        'POST',
        `${INSTANCES}/${id}/health-reports`,
        { healthy: false },
        {
          'if-match': tag,
          'idempotency-key': `key-${id}`,
        },
      );
    const [first, again] = [await send(`"${version}"`), await send(changeTag(`"${version}"`))];
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body).toEqual(first.body);
  });
});

describe('a proxy that passes bodies on in chunks', () => {
  it('may do so with requests that have none', async () => {
    const api = await through({ inChunks: true });
    const instance = await api.register({ instanceId: 'chunked' });
    for (const type of [undefined, 'application/x-www-form-urlencoded', 'application/json']) {
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
      expect((await api.send('PUT', `${named('chunked')}/heartbeat`, undefined, headers)).status, type).toBe(204);
      expect((await api.send('DELETE', `${named('chunked')}/override`, undefined, headers)).status, type).toBe(200);
    }
    expect((await api.send('DELETE', `${INSTANCES}/${instance.id}`)).status).toBe(204);
  });
});

const addressesOf = async (service: string) =>
  (await eventsOf(catalog.api, `service=${service}`)).map(({ clientAddress }) => clientAddress);

describe('the address in the audit log', () => {
  it('is that of the client, without the port that the proxy adds', async () => {
    const api = await through();
    await api.register({ service: 'addressed' });
    await api.register({ service: 'addressed', weight: 1 }, { 'x-forwarded-for': '203.0.113.9, [2001:DB8:0::7]:4711' });
    expect(await addressesOf('addressed')).toEqual(['127.0.0.1', '2001:db8::7']);
  });

  it.each(['unknown', '_hidden', '<script>', `fe80::1%${'x'.repeat(60)}`])(
    'is never what somebody made up: %s',
    async made => {
      const service = `made-up-${made.length}`;
      await catalog.api.register({ service }, { 'x-forwarded-for': made });
      await catalog.api.register({ service, weight: 1 }, { forwarded: `for=${made}` });
      const [first, second] = await addressesOf(service);
      expect(first).toBe(made.startsWith('fe80') ? 'fe80::1' : '127.0.0.1');
      expect(second).toBe('127.0.0.1');
    },
  );
});

describe('a path that was written another way', () => {
  it.each([
    ['a@b:1', 'a@b:1'],
    ['a@b:1', 'a%40b%3A1'],
    ['a@b:1', 'a%40b%3a1'],
    ['a@b:1', '%61%40%62%3a%31'],
    ['[2001:db8::1]:8080', '[2001:db8::1]:8080'],
    ['[2001:db8::1]:8080', '%5B2001%3Adb8%3A%3A1%5D%3A8080'],
    ['[2001:db8::1]:8080', '%5b2001:db8::1%5d:8080'],
  ])('names the instance %s as %s', async (instanceId, written) => {
    const { id } = await catalog.api.register({ service: 'paths', instanceId });
    for (const target of ['', catalog.api.url]) {
      const answer = await sendRaw(
        catalog.api.url,
        `GET ${target}/api/v1/registry/services/paths/instances/${written} HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toContain('HTTP/1.1 200 ');
      expect(answer).toContain(id);
    }
  });

  it.each([
    ['a%2Fb', 400],
    ['a%252Fb', 400],
    ['a;v=1', 400],
    ['', 404],
    ['/a', 404],
    ['a//heartbeat', 404],
  ])('is refused where it names none: %j gets %i', async (written, status) => {
    const answer = await sendRaw(
      catalog.api.url,
      `GET /api/v1/registry/services/paths/instances/${written} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toContain(`HTTP/1.1 ${status} `);
  });

  it('with a parameter twice is refused', async () => {
    const { status, body } = await catalog.api.get(`${named('a')}?namespace=a&namespace=b`);
    expect(status).toBe(400);
    expect(body.errors?.map(({ path }) => path)).toEqual(['/query/namespace']);
  });
});
