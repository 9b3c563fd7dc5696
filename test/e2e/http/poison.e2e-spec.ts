import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, INSTANCES, type LeasedView, LONG_LEASE, named, type Problem } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { type CatalogService, headOf, startCatalog } from '../../support/catalog/catalog-service.js';
import { hangUpAfter, sendRaw } from '../../support/http/raw-http.js';

/** Its registration, which says nothing new when it comes again. */
const VICTIM = { service: 'orders', instanceId: 'victim', host: '10.0.0.1', port: 8080, check: LONG_LEASE };

let catalog: CatalogService;
let instance: LeasedView;
let head: number;

beforeAll(async () => {
  catalog = await startCatalog();
  instance = await catalog.api.register(VICTIM);
  head = await headOf(catalog.api);
});
afterAll(async () => {
  await assertCatalogInvariants(catalog.database.url);
  await catalog.close();
});
afterEach(async () => {
  expect(await headOf(catalog.api), 'what was refused has changed nothing').toBe(head);
});

const byId = () => `${INSTANCES}/${instance.id}`;
const WRITES: readonly (readonly [string, () => string])[] = [
  ['POST', () => INSTANCES],
  ['POST', () => `${INSTANCES}/batch`],
  ['PUT', byId],
  ['PATCH', byId],
  ['POST', () => `${byId()}/health-reports`],
  ['PUT', () => `${byId()}/override`],
  ['PUT', () => named('victim')],
  ['PATCH', () => named('victim')],
  ['POST', () => `${named('victim')}/health-reports`],
  ['PUT', () => `${named('victim')}/override`],
  ['POST', () => '/api/v1/registry/heartbeats'],
  ['POST', () => '/api/v1/registry/deregistrations'],
];

/** What must never be told: statements, stacks, and what they are about. */
const INSIDES =
  /\b(select|insert|update|delete)\s+.*\b(from|into|set)\b|node_modules|\.[jt]s:\d|\\n\s+at |pg_|relation "|SQLSTATE/i;

function assertRefusal(answer: Answer<Problem>, what: string): void {
  expect(answer.status, what).toBeGreaterThanOrEqual(400);
  expect(answer.status, what).toBeLessThan(500);
  expect(answer.headers.get('content-type'), what).toMatch(/^application\/problem\+json/);
  const { status, code, type, requestId, detail } = answer.body;
  expect({ status, type, requestId }, what).toEqual({
    status: answer.status,
    type: `/docs/errors/${code}`,
    requestId: answer.headers.get('x-request-id'),
  });
  expect(detail, what).toMatch(/\S/);
  expect(JSON.stringify(answer.body), what).not.toMatch(INSIDES);
  expect(JSON.stringify(answer.body).length, what).toBeLessThan(64 * 1024);
}

async function sendBytes(method: string, path: string, body: Buffer | string, headers: Record<string, string> = {}) {
  const response = await fetch(`${catalog.api.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse(text) as Problem,
    revision: Number.NaN,
  };
}

const DEEP = 10_000;
const BODIES: readonly (readonly [string, string | Buffer])[] = [
  ['U+0000 in a text', String.raw`{"output":"a\u0000b","host":"\u0000","reason":"\u0000","ids":["\u0000"]}`],
  ['U+0000 in a key', String.raw`{"a\u0000":1}`],
  ['U+0000 in metadata', String.raw`{"service":"a","host":"b","port":1,"metadata":{"tags":{"a":"\u0000"}}}`],
  ['half a surrogate pair', String.raw`{"host":"\ud800","metadata":{"a":"\udc00x"}}`],
  ['half a surrogate pair in a key', String.raw`{"metadata":{"\ud83d":1}}`],
  ['__proto__', '{"__proto__":{"host":"a"},"metadata":{"__proto__":{"admin":true}}}'],
  ['__proto__ in escapes', String.raw`{"metadata":{"__pr\u006fto__":{}}}`],
  ['constructor.prototype', '{"constructor":{"prototype":{"host":"a"}}}'],
  ['10,000 arrays in each other', '['.repeat(DEEP) + ']'.repeat(DEEP)],
  ['10,000 objects in each other', `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`],
  ['10,000 levels that do not end', '{"metadata":'.repeat(4_000)],
  ['1e400', '{"port":1e400,"weight":-1e400,"metadata":{"a":1e400}}'],
  ['2^53 + 1', '{"port":9007199254740993,"metadata":{"a":9007199254740993}}'],
  ['a number of 30,000 digits', `{"port":${'9'.repeat(30_000)}}`],
  ['a key named twice', '{"host":"a","host":"b"}'],
  ['a key named twice deep down', String.raw`{"metadata":{"a":{"b":1,"\u0062":2}}}`],
  ['nothing', ''],
  ['blanks', ' \n '],
  ['null', 'null'],
  ['a text', '"text"'],
  ['a number', '7'],
  ['a truth', 'true'],
  ['a list', '[]'],
  ['a list of objects', '[{"service":"a","host":"b","port":1}]'],
  ['half of an object', '{"service":'],
  ['more than one value', '{"a":1}{"b":2}'],
  ['NaN', '{"port":NaN}'],
  ['a trailing comma', '{"port":1,}'],
  ['what is no JSON', 'service=orders&host=a'],
  ['XML', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
  ['a surrogate in UTF-8', Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d])],
  ['a byte order mark', Buffer.from('\uFEFF{"unknown":1}')],
  ['UTF-16', Buffer.from('{"unknown":1}', 'utf16le')],
  ['compressed bytes', gzipSync('{"unknown":1}')],
  ['zeros', Buffer.alloc(1_000)],
  [
    'unknown fields by the thousand',
    JSON.stringify(Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`k${n}`, n]))),
  ],
  ['what nobody asked for', '{"isAdmin":true,"id":"x","sql":"1; drop table service_instance"}'],
  ['more than a mebibyte', `{"output":"${'x'.repeat(1024 * 1024)}"}`],
];

describe.each(BODIES)('a body with %s', (what, body) => {
  it('is refused by every route that takes one', async () => {
    const answers = await Promise.all(
      WRITES.map(async ([method, path]) => {
        const answer = await sendBytes(method, path(), body);
        assertRefusal(answer, `${method} ${path()}: ${what}`);
        return answer.status;
      }),
    );
    expect(answers).toHaveLength(WRITES.length);
  });
});

describe('a body of the wrong type', () => {
  it.each([
    ['text/plain'],
    ['application/xml'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=x'],
    ['application/octet-stream'],
    ['application/json-patch+json'],
    ['application/vnd.api+json'],
    ['application/jsonx'],
    ['json'],
    ['/'],
    ['*/*'],
    ['application/json, text/plain'],
  ])('%s is refused by every route that takes one', async type => {
    for (const [method, path] of WRITES) {
      const answer = await sendBytes(method, path(), '{"unknown":1}', { 'content-type': type });
      assertRefusal(answer, `${method} ${path()}`);
      expect([400, 415], `${method} ${path()}`).toContain(answer.status);
    }
  });

  it('a merge patch is one only for PATCH', async () => {
    for (const [method, path] of WRITES) {
      const answer = await sendBytes(method, path(), '{"unknown":1}', {
        'content-type': 'application/merge-patch+json',
      });
      assertRefusal(answer, `${method} ${path()}`);
      expect(answer.status).toBe(method === 'PATCH' ? 400 : 415);
    }
  });

  it('a compressed one is not taken for what it is not', async () => {
    const answer = await sendBytes('POST', INSTANCES, gzipSync('{}'), { 'content-encoding': 'gzip' });
    assertRefusal(answer, 'gzip');
  });
});

describe('a body that nobody asked for', () => {
  it.each([
    ['DELETE', byId],
    ['DELETE', () => `${byId()}/override`],
    ['PUT', () => `${byId()}/heartbeat`],
    ['PUT', () => `${named('victim')}/heartbeat`],
  ])('is refused by %s %o', async (method, path) => {
    assertRefusal(await sendBytes(method, path(), '{"a":1}'), method);
  });
});

describe('a path', () => {
  it.each([
    '/%00',
    '/%',
    '/%zz',
    '/%ED%A0%80',
    '/%C0%AF',
    `/${'x'.repeat(5_000)}`,
    `/${'%41'.repeat(900)}`,
    '/..%2f..%2fetc%2fpasswd',
    "/1'%20or%20'1'='1",
    '/0',
    '/-1',
    '/00000000-0000-0000-0000-00000000000g',
    '/0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f99%0a',
  ])('with %s is refused', async odd => {
    for (const [method, path] of [
      ['GET', `${INSTANCES}${odd}`],
      ['DELETE', `${INSTANCES}${odd}`],
      ['PUT', `${INSTANCES}${odd}/heartbeat`],
      ['GET', `/api/v1/registry/services${odd}/instances/a`],
      ['PUT', `/api/v1/registry/services/a/instances${odd}/heartbeat`],
      ['GET', `/api/v1/audit/events${odd}`],
      ['GET', odd],
    ] as const) {
      assertRefusal(await catalog.api.send(method, path), `${method} ${path.slice(0, 120)}`);
    }
  });

  it.each(['0', '-1', '1.5', '1e3', '9007199254740993', '99999999999999999999999', 'last', '0x1'])(
    'to the event %s is refused',
    async revision => {
      assertRefusal(await catalog.api.get(`/api/v1/audit/events/${revision}`), revision);
    },
  );
});

describe('a query', () => {
  const text = ['%00', '%ED%A0%80', '%', '%zz', 'a'.repeat(4_000), "';drop--", '%0a'];
  const numbers = ['-1', '1.5', '1e9', '99999999999999999999', '0x10', 'NaN', '', '%20', '9007199254740993'];
  const times = ['x', '0000-01-01T00:00:00Z', '9999-99-99T00:00:00Z', '+275760-09-13T00:00:00Z', '2026-11-23'];
  /** Of what takes revisions and times. */
  const moments = [...numbers, ...times];
  const json = ['{', '[]', 'null', '7', '{"a":"%5Cu0000"}', '{"a":1e400}', '{"__proto__":1}', `${'{"a":'.repeat(99)}1`];
  const filters = {
    namespace: [...text, '**', ''],
    status: [...text, 'any,', ',', ''],
    type: text,
    appVersion: ['%00', '>>1', 'a'.repeat(4_000), `${'1.'.repeat(2_000)}x`, '%20'.repeat(1_000) + 'x'],
    tag: ['%00', '=', '', 'a'.repeat(4_000)],
    capability: ['%00', ''],
    metadata: [...json, `%5B${'{"a":'.repeat(500)}`],
  };

  it.each([
    [
      '/api/v1/discovery/instances',
      { ...filters, limit: [...numbers, '0', '1001'], cursor: text, sort: text, order: text },
    ],
    ['/api/v1/discovery/services', filters],
    ['/api/v1/discovery/services/orders/instances', filters],
    [
      '/api/v1/audit/events',
      {
        namespace: text,
        service: text,
        instance: text,
        instanceId: text,
        action: [...text, 'instance.registered,', ','],
        source: text,
        requestId: ['%00', '%ED%A0%80'],
        actor: ['%00', '%ED%A0%80'],
        batchId: text,
        clientAddress: [...text, '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '010.0.0.1', '::1%25lo', ''],
        reason: ['%00', '%ED%A0%80', 'a'.repeat(4_000), ''],
        from: moments,
        to: moments,
        afterRevision: moments,
        beforeRevision: moments,
        limit: [...numbers, '0', '1001'],
        cursor: text,
        order: text,
      },
    ],
    ['/api/v1/audit/export', { format: text, from: moments, afterRevision: moments, namespace: text }],
    ['/api/v1/audit/services/orders/instances/a/history', { namespace: text, limit: numbers, cursor: text }],
    [
      '/api/v1/audit/verify',
      { from: moments, to: moments, anchor: [...text, '1:x', ':', '-1:00', `1:${'g'.repeat(64)}`] },
    ],
  ])('of %s with what cannot be meant is refused', async (path, poison) => {
    const wanted = [...Object.entries(poison), ['unknown', ['1']] as const, ['__proto__', ['1']] as const];
    for (const [name, values] of wanted) {
      for (const value of values) {
        const target = `${path}?${name}=${value}`;
        assertRefusal(await catalog.api.get(target), target.slice(0, 160));
      }
    }
  });

  it('that says one thing twice is refused', async () => {
    for (const target of [
      '/api/v1/discovery/instances?limit=1&limit=2',
      '/api/v1/discovery/instances?namespace=a&namespace=b',
      '/api/v1/audit/events?order=asc&order=desc',
      `${named('victim')}?namespace=a&namespace=default`,
    ]) {
      assertRefusal(await catalog.api.get(target), target);
    }
  });

  it('where none is asked for is refused', async () => {
    for (const [method, path] of WRITES) {
      assertRefusal(await catalog.api.send(method, `${path()}?a=1`, { unknown: 1 }), `${method} ${path()}`);
    }
    assertRefusal(await catalog.api.get(`${byId()}?namespace=default`), 'by id');
  });
});

describe('what is hardly HTTP', () => {
  const HEAD = `POST ${INSTANCES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;

  it.each([
    ['headers of 40 KB', `${HEAD}X-Change-Reason: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['a thousand headers', `${HEAD}${'X-Many: yes\r\n'.repeat(3_000)}\r\n`, 431],
    ['a request line of 40 KB', `GET /${'x'.repeat(40_000)} HTTP/1.1\r\n\r\n`, 431],
    ['a method that does not exist', 'FETCH / HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['bytes of another protocol', Buffer.from([22, 3, 1, 0, 200, 1, 0, 0]), 400],
    ['a header that is none', `${HEAD}no colon\r\n\r\n`, 400],
    ['two lengths', `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400],
    ['a length and chunks', `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`, 400],
    ['a negative length', `${HEAD}Content-Length: -1\r\n\r\n{}`, 400],
    ['chunks that are none', `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n`, 400],
    ['a length of a terabyte', `${HEAD}Content-Length: 1099511627776\r\nConnection: close\r\n\r\n{`, 413],
    ['a NUL in a header', `${HEAD}X-Change-Reason: a\0b\r\n\r\n`, 400],
  ])('%s is answered as a problem', async (_, bytes, status) => {
    const answer = await sendRaw(catalog.api.url, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toMatch(/content-type: application\/problem\+json/i);
    expect(answer).not.toMatch(INSIDES);
  });

  it('clients that vanish harm nobody', async () => {
    const body = JSON.stringify(VICTIM);
    const length = `Content-Length: ${body.length}\r\n\r\n`;
    await Promise.all(
      [
        '',
        'POST ',
        `GET /${'x'.repeat(200_000)}`,
        HEAD,
        `${HEAD}${length}`,
        `${HEAD}${length}${body.slice(0, 9)}`,
        `${HEAD}${length}${body}`,
      ].flatMap(bytes => Array.from({ length: 5 }, () => hangUpAfter(catalog.api.url, bytes))),
    );
    expect((await catalog.api.read(instance.id)).version).toBe(1);
  });

  it('a body that comes byte by byte is taken', async () => {
    const body = JSON.stringify(VICTIM);
    const head = `${HEAD}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    expect(await sendRaw(catalog.api.url, head, ...Array.from(body))).toMatch(/^HTTP\/1.1 200 /);
  });
});
