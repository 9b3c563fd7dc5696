import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Api, INSTANCES, type LeasedView, LONG_LEASE, named } from '../../support/http/api.js';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';
import { type ProxyHabits, type ReverseProxy, startReverseProxy } from '../../support/http/reverse-proxy.js';
import { openSwaggerUi, type SwaggerUi } from '../../support/http/swagger-ui.js';

interface OpenApi {
  readonly servers: readonly { readonly url: string }[];
  readonly components: { readonly examples: Record<string, { readonly value: { type: string; instance: string } }> };
}

const PREFIX = '/pcs';
const BROWSER = { accept: 'text/html,*/*;q=0.8' };

let catalog: CatalogService;
const proxies: ReverseProxy[] = [];
let made = 0;

const closeProxies = async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
};

async function proxyAt(target: string, habits: ProxyHabits = {}): Promise<string> {
  const proxy = await startReverseProxy(target, { prefix: PREFIX, ...habits });
  proxies.push(proxy);
  return `${proxy.url}${habits.prefix ?? PREFIX}`;
}

/** A proxy that tells its prefix, or what it says instead. */
const proxied = (forwardedPrefix = PREFIX) => proxyAt(catalog.api.url, { forwardedPrefix });

/** A registration that is new, and where its `Location` leads whoever sees the service at a URL. */
async function register(url: string, path = INSTANCES, headers = {}) {
  const api = new Api(url);
  const instanceId = `made-${(made += 1)}`;
  const byName = path === INSTANCES ? undefined : named(instanceId);
  const body = { service: 'orders', instanceId, host: '10.0.0.1', port: 8080, check: LONG_LEASE };
  const answer = await api.send<LeasedView>(byName ? 'PUT' : 'POST', byName ?? INSTANCES, body, headers);
  const location = answer.headers.get('location') ?? '';
  return {
    status: answer.status,
    id: answer.body.id,
    location,
    leads: new URL(location, `${url}${byName ?? path}`).href,
  };
}

/** Every page and file that links below /docs lead to, from a page on; fails for the first link that leads nowhere. */
async function crawl(start: string, below: string): Promise<string[]> {
  const seen = new Set<string>();
  const open = [start];
  for (let url = open.pop(); url !== undefined; url = open.pop()) {
    if (seen.has(url)) continue;
    seen.add(url);
    const answer = await fetch(url);
    expect(answer.status, url).toBe(200);
    if (!answer.headers.get('content-type')?.includes('text/html')) {
      await answer.arrayBuffer();
      continue;
    }
    const html = await answer.text();
    for (const [, link = ''] of html.matchAll(/(?:href|src)="([^"]*)"/g)) {
      const next = new URL(link.replaceAll('&amp;', '&'), answer.url);
      if (next.origin !== new URL(start).origin) continue;
      if (next.hash && next.href.startsWith(`${answer.url}#`)) expect(html).toContain(`id="${next.hash.slice(1)}"`);
      next.hash = '';
      expect(next.href.startsWith(`${below}/`), `${url} leads to ${next.href}`).toBe(true);
      open.push(next.href);
    }
  }
  return [...seen].map(url => url.slice(below.length));
}

const serverOf = async (url: string) => {
  const document = (await new Api(url).get<OpenApi>('/openapi.json')).body;
  expect(parse(await (await fetch(`${url}/openapi.yaml`)).text())).toEqual(document);
  return { server: document.servers[0]?.url, ...document.components.examples['VALIDATION_FAILED']?.value };
};

/** Where `Try it out` of the registration sends its request. */
const targetOf = ({ system }: SwaggerUi): string =>
  system.fn.buildRequest({
    spec: system.specSelectors.specJson().toJS(),
    operationId: 'registerInstance',
    contextUrl: '',
  }).url;

describe('behind a proxy that takes a path prefix off and tells it', () => {
  beforeAll(async () => {
    catalog = await startCatalog({ env: { PCS_TRUSTED_PROXIES: '127.0.0.1' } });
  });
  afterEach(closeProxies);
  afterAll(() => catalog.close());

  it.each([INSTANCES, 'by name'])('Location leads to what was registered (%s), there and beside it', async path => {
    for (const url of [await proxied(), catalog.api.url]) {
      const { status, id, leads } = await register(url, path);
      expect(status).toBe(201);
      expect(leads).toBe(`${url}${INSTANCES}/${id}`);
      expect((await fetch(leads)).status).toBe(200);
    }
  });

  it('Location of a repeated request is that of who repeats it', async () => {
    const url = await proxied();
    const key = { 'idempotency-key': 'once' };
    const body = { service: 'repeated', instanceId: 'a', host: '10.0.0.1', port: 8080, check: LONG_LEASE };
    const send = (to: string) => new Api(to).send<LeasedView>('POST', INSTANCES, body, key);
    const [first, again] = [await send(url), await send(catalog.api.url)];
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(first.headers.get('location')).toBe(`${PREFIX}${INSTANCES}/${first.body.id}`);
    expect(again.headers.get('location')).toBe(`${INSTANCES}/${first.body.id}`);
  });

  it('type leads to the page of the error, and instance to what was asked', async () => {
    for (const url of [await proxied(), catalog.api.url]) {
      for (const path of [
        `${INSTANCES}/00000000-0000-7000-8000-000000000000`,
        '/nothing',
        '/api/v1/audit/events?limit=x',
      ]) {
        const { body } = await new Api(url).get<{ type: string; instance: string; code: string }>(path);
        const page = await fetch(new URL(body.type, `${url}${path}`));
        expect(page.status).toBe(200);
        expect(await page.text()).toContain(body.code);
        expect(new URL(body.instance, `${url}${path}`).href).toBe(`${url}${path.replace(/\?.*/, '')}`);
      }
    }
  });

  it('the OpenAPI document names the server and its errors, for each prefix its own', async () => {
    const [pcs, other] = [await proxied(), await proxied('/other')];
    const told = await Promise.all([pcs, other, catalog.api.url, pcs].map(url => serverOf(url)));
    const type = '/docs/errors/VALIDATION_FAILED';
    expect(told[0]).toMatchObject({ server: PREFIX, type: `${PREFIX}${type}`, instance: `${PREFIX}${INSTANCES}` });
    expect(told[1]).toMatchObject({ server: '/other', type: `/other${type}` });
    expect(told[2]).toMatchObject({ server: '/', type, instance: INSTANCES });
    expect(told[3]).toEqual(told[0]);
    for (const path of ['/openapi.json', '/openapi.yaml', '/docs/errors/STARTING']) {
      expect((await fetch(`${pcs}${path}`)).headers.get('vary'), path).toContain('X-Forwarded-Prefix');
    }
  });

  it('a tag of a page for one prefix is none for another', async () => {
    const path = '/docs/errors/STARTING';
    const tag = (await fetch(`${await proxied()}${path}`)).headers.get('etag') ?? '';
    const statusFor = async (url: string) =>
      (await fetch(`${url}${path}`, { headers: { 'if-none-match': tag } })).status;
    expect(await statusFor(await proxied())).toBe(304);
    expect(await statusFor(catalog.api.url)).toBe(200);
  });

  it('no link of any page leads out of the prefix, or nowhere', async () => {
    const url = await proxied();
    const seen = await crawl(`${url}/docs`, url);
    expect(seen).toEqual(
      expect.arrayContaining([
        '/docs/swagger-ui-init.js',
        '/openapi.json',
        '/docs/guides',
        '/docs/guides/clients',
        '/docs/guides/adr/README',
        '/docs/guides/examples/client.ts',
        '/docs/guides/verify-audit-export.mjs',
        '/docs/errors/VALIDATION_FAILED',
      ]),
    );
    // The same pages beside the proxy.
    expect((await crawl(`${catalog.api.url}/docs`, catalog.api.url)).sort()).toEqual(seen.sort());
  });

  it.each(['/', '/docs/', '/docs/index.html', '/docs/errors/', '/docs/guides/', '/docs/guides/clients.md'])(
    '%s leads to where the page is',
    async path => {
      for (const url of [await proxied(), catalog.api.url]) {
        const answer = await fetch(`${url}${path}`, { headers: BROWSER });
        const page = path.includes('clients')
          ? '/docs/guides/clients'
          : path === '/'
            ? '/docs'
            : path.replace(/\/(index\.html)?$/, '');
        expect(answer.status).toBe(200);
        expect(answer.url).toBe(`${url}${page}`);
      }
    },
  );

  it('Swagger UI sends its requests where the page came from', async () => {
    const url = await proxied();
    const page = await openSwaggerUi(`${url}/docs`);
    expect(page.asked).toEqual([`${url}/openapi.json`]);
    expect(targetOf(page)).toBe(`${url}${INSTANCES}`);
  });

  it.each(['//evil.example', '/pcs/..', 'https://evil.example', '/"><script>alert(1)</script>', `/${'x'.repeat(300)}`])(
    'what cannot be a prefix is not repeated: %s',
    async forwardedPrefix => {
      const url = await proxied(forwardedPrefix);
      expect((await register(url)).location).toMatch(/^\/api\//);
      const answers = await Promise.all(
        ['/', '/nothing', '/openapi.json', '/docs', '/docs/errors/STARTING'].map(async path => {
          const answer = await fetch(`${url}${path}`, { headers: BROWSER, redirect: 'manual' });
          return `${answer.headers.get('location')} ${await answer.text()}`;
        }),
      );
      for (const text of answers) expect(text).not.toContain(forwardedPrefix);
    },
  );
});

describe('behind a proxy that tells nothing, with PCS_PUBLIC_URL', () => {
  const PUBLIC_URL = 'https://platform.example.com/pcs';

  beforeAll(async () => {
    catalog = await startCatalog({ env: { PCS_PUBLIC_URL: `${PUBLIC_URL}/` } });
  });
  afterEach(closeProxies);
  afterAll(() => catalog.close());

  it.each([INSTANCES, 'by name'])('Location leads to what was registered (%s), there and beside it', async path => {
    for (const url of [await proxyAt(catalog.api.url), catalog.api.url]) {
      const { status, id, leads } = await register(url, path, { 'x-forwarded-prefix': '/evil' });
      expect(status).toBe(201);
      expect(leads).toBe(`${url}${INSTANCES}/${id}`);
      expect((await fetch(leads)).status).toBe(200);
    }
  });

  it('problems and the OpenAPI document have the public URL', async () => {
    for (const url of [await proxyAt(catalog.api.url), catalog.api.url]) {
      expect((await new Api(url).get('/nothing')).body).toMatchObject({
        type: `${PUBLIC_URL}/docs/errors/ROUTE_NOT_FOUND`,
        instance: `${PUBLIC_URL}/nothing`,
      });
      expect(await serverOf(url)).toMatchObject({
        server: PUBLIC_URL,
        type: `${PUBLIC_URL}/docs/errors/VALIDATION_FAILED`,
      });
    }
  });

  it('pages and Swagger UI work there and beside it', async () => {
    for (const url of [await proxyAt(catalog.api.url), catalog.api.url]) {
      await crawl(`${url}/docs`, url);
      expect((await fetch(`${url}/`, { headers: BROWSER })).url).toBe(`${url}/docs`);
      expect(targetOf(await openSwaggerUi(`${url}/docs`))).toBe(`${url}${INSTANCES}`);
    }
  });
});

describe('Swagger UI', () => {
  let page: SwaggerUi;

  beforeAll(async () => {
    catalog = await startCatalog();
    page = await openSwaggerUi(`${catalog.api.url}/docs`);
  });
  afterAll(() => catalog.close());

  it('finds operations by what they are called, and not by their tag alone', () => {
    const { system, filterBox } = page;
    expect(filterBox).toEqual({ placeholder: 'Filter by path, name or tag', 'aria-label': 'Filter operations' });
    const shown = () =>
      system.specSelectors
        .taggedOperations()
        .map(group => (group.get('operations') as unknown as { size: number }).size);
    const all = shown().toJS() as Record<string, number>;
    expect(Object.keys(all)).toEqual(['Registry', 'Liveness', 'Discovery', 'Audit', 'Operations']);
    for (const [phrase, found] of Object.entries({
      Audit: { Audit: all['Audit'] },
      resolve: { Discovery: 1 },
      'DELETE override': expect.objectContaining({ Registry: 3 }),
      'instances/batch': { Registry: 1 },
      'nothing like this': {},
    })) {
      system.layoutActions.updateFilter(phrase);
      expect(shown().toJS(), phrase).toEqual(found);
    }
  });

  it('shows an error as its codes, each with a link to its page, and a success as ever', () => {
    const { system } = page;
    const responses = ['paths', INSTANCES, 'post', 'responses'];
    const drawn = (code: string) =>
      JSON.stringify(
        system.getComponent('response')({
          code,
          response: system.specSelectors.specJson().getIn([...responses, code]),
        }),
        (key, value: unknown) => (key.startsWith('_') ? undefined : value),
      );
    for (const code of ['VERSION_MISMATCH', 'ALREADY_REGISTERED']) {
      expect(drawn('412')).toContain(`"href":"${catalog.api.url}/docs/errors/${code}"`);
    }
    expect(drawn('412')).toMatch(/"type":"details".*"type":"summary"/);
    expect(drawn('412')).not.toContain('currentVersion');
    expect(drawn('201')).not.toContain('"type":"details"');
  });

  it('draws what folds, opens with links into it, and asks no other host', () => {
    expect(page.system.getConfigs()).toMatchObject({
      filter: true,
      deepLinking: true,
      docExpansion: 'list',
      defaultModelsExpandDepth: 0,
      tryItOutEnabled: true,
      validatorUrl: null,
    });
  });

  it('takes the document anew each time, in which the ids of the examples are the real ones once they are registered', async () => {
    expect(page.asked).toEqual([`${catalog.api.url}/openapi.json`]);
    const document = (await catalog.api.get<{ paths: Record<string, { post: Body }> }>('/openapi.json')).body;
    const body = document.paths[INSTANCES]?.post.requestBody.content['application/json']?.example;
    const { id } = await catalog.api.ok('POST', INSTANCES, body);
    expect(await (await fetch(page.asked[0]!)).text()).toContain(id);
  });
});

interface Body {
  readonly requestBody: { readonly content: Record<string, { readonly example?: unknown }> };
}
