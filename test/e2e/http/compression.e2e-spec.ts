import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES, named } from '../../support/http/api.js';
import { type BareAnswer, bareRequest } from '../../support/http/bare-request.js';
import { type CatalogService, startCatalog, startNode } from '../../support/catalog/catalog-service.js';
import { waitFor } from '../../support/time/wait-for.js';

const GZIP = { 'accept-encoding': 'gzip, deflate, br' };
const ORIGIN = 'https://ui.example';
const LIST = '/api/v1/discovery/services/many/instances';

/** Enough that an export has more than one page of the log. */
const INSTANCES_OF_MANY = 600;

let catalog: CatalogService;

const anInstance = (n: number) => ({
  service: 'many',
  instanceId: `many-${n}`,
  host: '10.0.0.1',
  port: 8_000 + n,
  check: { kind: 'heartbeat', ttlSeconds: 3_600 },
  metadata: { version: `1.0.${n}`, tags: { team: 'checkout' } },
});
const batch = (size: number) => JSON.stringify({ instances: Array.from({ length: size }, (_, n) => anInstance(n)) });

beforeAll(async () => {
  catalog = await startCatalog({ env: { PCS_CORS_ORIGINS: ORIGIN } });
  await catalog.api.ok('POST', `${INSTANCES}/batch`, batch(INSTANCES_OF_MANY));
  await waitFor('the view has them', async () => (await get(LIST, {})).text.includes(`many-${INSTANCES_OF_MANY - 1}`));
});
afterAll(() => catalog.close());

const get = (path: string, headers: Record<string, string> = GZIP, options = {}): Promise<BareAnswer> =>
  bareRequest(`${catalog.api.url}${path}`, headers, options);

const LARGE_ANSWERS = [
  LIST,
  `${LIST}?status=any`,
  `${LIST}?asOf=500`,
  '/api/v1/discovery/instances?service=many&limit=100',
  '/api/v1/discovery/diff?from=0',
  '/api/v1/audit/events?limit=100',
  '/api/v1/audit/export',
  '/api/v1/audit/export?format=csv',
  '/openapi.json',
  '/openapi.yaml',
  '/docs/swagger-ui-bundle.js',
  '/docs/swagger-ui.css',
];

describe('a large answer', () => {
  it.each(LARGE_ANSWERS)('is smaller and says the same to who accepts gzip (%s)', async path => {
    const [plain, compressed] = [await get(path, {}), await get(path)];
    expect(plain.status).toBe(200);
    expect(plain.headers).not.toHaveProperty('content-encoding');
    expect(compressed.headers['content-encoding']).toBe('gzip');
    expect(compressed.bytes.length).toBeLessThan(plain.bytes.length * 0.7);
    expect(compressed.text).toBe(plain.text);
    for (const { headers } of [plain, compressed]) expect(headers.vary).toMatch(/accept-encoding/i);
    for (const { headers, bytes } of [plain, compressed]) {
      if (headers['content-length'] !== undefined) expect(headers['content-length']).toBe(String(bytes.length));
    }
    if (plain.headers.etag !== undefined) {
      expect(compressed.headers.etag).toBe(`W/${plain.headers.etag.replace(/^W\//, '')}`);
    }
  });

  it.each(LARGE_ANSWERS)('tells HEAD what it would tell GET (%s)', async path => {
    for (const headers of [{}, GZIP]) {
      const [toGet, toHead] = [await get(path, headers), await get(path, headers, { method: 'HEAD' })];
      expect(toHead.status).toBe(200);
      expect(toHead.bytes.length).toBe(0);
      for (const name of ['content-encoding', 'content-length', 'content-type', 'etag', 'vary']) {
        // A length may be left out, but not be another one.
        if (name === 'content-length' && toHead.headers[name] === undefined) continue;
        expect(toHead.headers[name], name).toBe(toGet.headers[name]);
      }
    }
  });

  it.each([
    LIST,
    '/api/v1/discovery/services?status=any',
    `${LIST}?asOf=500`,
    '/api/v1/discovery/instances?service=many&limit=100',
    '/docs/swagger-ui.css',
  ])('is not sent again to who has it in either form (%s)', async path => {
    const [plain, compressed] = [await get(path, {}), await get(path)];
    for (const tag of [plain.headers.etag ?? '', compressed.headers.etag ?? '']) {
      for (const coding of [{}, GZIP]) {
        const again = await get(path, { ...coding, 'if-none-match': tag });
        expect(again.status).toBe(304);
        expect(again.headers.etag).toBe(tag);
        expect(again.headers.vary).toMatch(/accept-encoding/i);
        expect(again.bytes.length).toBe(0);
      }
    }
  });

  it('is the newest, whoever asked for the one before', async () => {
    for (let weight = 1; weight <= 5; weight++) {
      await catalog.api.ok('PATCH', named('many-3', 'many'), { weight });
      const answers = await Promise.all(Array.from({ length: 10 }, () => get(`${LIST}?consistency=strong`)));
      const plain = await get(LIST, {});
      for (const { text, headers } of answers) {
        expect(text).toBe(plain.text);
        expect(headers.etag).toBe(`W/${plain.headers.etag}`);
      }
      expect(
        (JSON.parse(plain.text) as { instances: { instanceId: string; weight: number }[] }).instances,
      ).toContainEqual(expect.objectContaining({ instanceId: 'many-3', weight }));
    }
  });

  it('to a write is compressed, too, and so is a problem for who refuses the plain form', async () => {
    const headers = { 'accept-encoding': 'gzip, identity;q=0', 'content-type': 'application/json' };
    const send = (path: string, body: string) => get(path, headers, { method: 'POST', body });
    const written = await send(`${INSTANCES}/batch`, batch(40));
    expect(written).toMatchObject({ status: 200, headers: { 'content-encoding': 'gzip' } });
    expect(JSON.parse(written.text)).toBeDefined();
    const refused = await send(
      `${INSTANCES}/batch`,
      JSON.stringify({ instances: Array.from({ length: 50 }, () => ({})) }),
    );
    expect(refused).toMatchObject({
      status: 400,
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/problem+json' },
    });
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'VALIDATION_FAILED' });
  });
});

describe('a record', () => {
  it('of any size keeps its strong tag, so that the tag of GET is good for If-Match', async () => {
    const notes = Array.from({ length: 200 }, (_, n) => `note number ${n}`);
    await catalog.api.register({ service: 'large', instanceId: 'one', metadata: { notes } });
    const read = await get(named('one', 'large'));
    expect(read.bytes.length).toBeGreaterThan(2_048);
    expect(read.headers).toMatchObject({ etag: '"1"', 'content-length': String(read.bytes.length) });
    expect(read.headers).not.toHaveProperty('content-encoding');
    const patch = async (tag: string | undefined) =>
      await get(
        named('one', 'large'),
        { ...GZIP, 'content-type': 'application/merge-patch+json', 'if-match': tag ?? '' },
        { method: 'PATCH', body: '{"weight":7}' },
      );
    const patched = await patch(read.headers.etag);
    expect(patched).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    expect((await patch('W/"1"')).status).toBe(412);
    // What a proxy that compresses makes of it is good, too.
    expect((await patch('W/"2"')).status).toBe(200);
  });
});

describe('what is not compressed', () => {
  it('is a stream of events', async () => {
    const controller = new AbortController();
    const answer = await fetch(`${catalog.api.url}/api/v1/discovery/watch`, {
      headers: GZIP,
      signal: controller.signal,
    });
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(answer.headers.get('content-encoding')).toBeNull();
    controller.abort();
  });

  it('is a part of a file', async () => {
    const { status, headers, bytes } = await get('/docs/swagger-ui.css', { ...GZIP, range: 'bytes=0-99' });
    expect(status).toBe(206);
    expect(headers).not.toHaveProperty('content-encoding');
    expect(bytes.length).toBe(100);
  });

  it('is anything at all where compression is off', async () => {
    const node = await startNode(catalog.database.url, { PCS_COMPRESSION: 'off' });
    try {
      for (const path of [LIST, '/openapi.json', '/docs/swagger-ui.css', '/api/v1/audit/export']) {
        const { headers } = await bareRequest(`${node.url}${path}`, GZIP);
        expect(headers, path).not.toHaveProperty('content-encoding');
      }
    } finally {
      await node.close();
    }
  });
});

describe('a browser of another origin', () => {
  it('is told that answers vary by origin and by coding', async () => {
    for (const coding of [{}, GZIP]) {
      const { headers } = await get(LIST, { ...coding, origin: ORIGIN });
      expect(headers.vary?.split(/, */).map(name => name.toLowerCase())).toEqual(['origin', 'accept-encoding']);
      expect(headers['access-control-allow-origin']).toBe(ORIGIN);
    }
  });
});

describe('an export that is compressed', () => {
  it('gives its place back when its client is gone', async () => {
    for (let n = 0; n < 20; n++) {
      const controller = new AbortController();
      const answer = await fetch(`${catalog.api.url}/api/v1/audit/export`, {
        headers: GZIP,
        signal: controller.signal,
      });
      controller.abort();
      if (answer.status !== 200) expect(answer.status).toBe(429);
    }
    await waitFor('there is a place', async () => (await get('/api/v1/audit/export')).status === 200);
  });
});
