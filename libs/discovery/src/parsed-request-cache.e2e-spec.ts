import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer } from '../../../test/support/http/api.js';
import { type CatalogService, startCatalog } from '../../../test/support/catalog/catalog-service.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
});

afterAll(() => catalog.close());

interface Instances {
  readonly instances: readonly { readonly instanceId: string }[];
}

const pathOf = (service: string, query = ''): string => `/api/v1/discovery/services/${service}/instances${query}`;

const register = async (service: string, instanceId: string, fields: object = {}) =>
  await catalog.api.ok('POST', '/api/v1/registry/instances', {
    service,
    instanceId,
    host: '10.0.0.1',
    port: 80,
    ...fields,
  });

const read = async (path: string, headers: Record<string, string> = {}): Promise<Answer<Instances>> =>
  await catalog.api.get<Instances>(path, headers);

const names = ({ body }: Answer<Instances>) => body.instances.map(({ instanceId }) => instanceId);

/** The headers of an answer that are the same for the same catalog. */
const told = ({ headers }: Answer<Instances>) =>
  ['content-type', 'etag', 'x-catalog-revision', 'x-catalog-epoch', 'x-content-type-options'].map(name =>
    headers.get(name),
  );

describe('A repeated request', () => {
  it.each(['', '?zone=eu-1a', '?status=any&filter=zone%20==%20%22eu-1a%22', '?namespace=default'])(
    'is answered as the first time, and tells every change since (%s)',
    async query => {
      const service = `asked-${query.length}`;
      await register(service, 'a', { zone: 'eu-1a' });
      const path = pathOf(service, query);
      const [first, second] = [await read(path), await read(path)];
      expect(second.body).toEqual(first.body);
      expect(told(second)).toEqual(told(first));
      await register(service, 'b', { zone: 'eu-1a' });
      const third = await read(path);
      expect(names(third)).toEqual(['a', 'b']);
      expect(third.headers.get('etag')).not.toBe(first.headers.get('etag'));
      await catalog.api.ok('DELETE', `/api/v1/registry/services/${service}/instances/a`);
      expect(names(await read(path))).toEqual(['b']);
    },
  );

  it('gets 304 exactly while nothing changed, and complaints of what is wrong', async () => {
    await register('tagged', 'a');
    const path = pathOf('tagged');
    const etag = (await read(path)).headers.get('etag')!;
    expect((await read(path, { 'if-none-match': etag })).status).toBe(304);
    expect((await read(path, { 'if-none-match': 'W/"x", *' })).status).toBe(400);
    expect((await read(path, { 'if-none-match': `"other", ${etag}` })).status).toBe(304);
    await register('tagged', 'b');
    expect((await read(path, { 'if-none-match': etag })).status).toBe(200);
  });

  it('does not match requests with other parameters or another method', async () => {
    await register('demanding', 'a');
    const path = pathOf('demanding');
    expect((await read(path)).status).toBe(200);
    expect((await read(path)).status).toBe(200);
    expect((await read(`${path}?minRevision=9007199254740991`)).status).toBe(410);
    expect((await read(`${path}?nonsense=1`)).status).toBe(400);
    const head = await fetch(catalog.api.url + path, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('for an unknown service is answered anew', async () => {
    const path = pathOf('not-yet');
    expect(names(await read(path))).toEqual([]);
    expect(names(await read(path))).toEqual([]);
    await register('not-yet', 'a');
    expect(names(await read(path))).toEqual(['a']);
  });
});
