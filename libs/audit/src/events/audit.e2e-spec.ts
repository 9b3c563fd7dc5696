import { get as httpGet, type IncomingMessage } from 'node:http';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigModule, readSettings } from '@coordination/config';
import { ContextModule } from '@coordination/context';
import { DatabaseModule, Databases, query } from '@coordination/database';
import { configureHttp, createHttpAdapter } from '@coordination/http';
import { SCHEMA } from '@coordination/migrations';
import { createLogger, ObservabilityModule } from '@coordination/observability';
import { SchedulingModule } from '@coordination/scheduling';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOG_ENTITIES, type LogEvent } from '@coordination/log';
import { aDraft, appendBatch } from '../../../../test/support/log/audit-log.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { eventually } from '../../../../test/support/time/eventually.js';
import { AuditModule } from '../audit.module.js';

/** More than the socket buffers of both sides hold, so that a client that stops reading also stops the server. */
const MANY = 6_000;

let database: TestDatabase;
let app: NestFastifyApplication;
let databases: Databases;
let url: string;
let events: LogEvent[];

beforeAll(async () => {
  database = await createTestDatabase();
  const settings = readSettings({ PORT: '0', LOG_LEVEL: 'silent', DATABASE_URL: database.url });
  @Module({
    imports: [
      ConfigModule.forRoot(settings),
      ContextModule,
      ObservabilityModule.forRoot(createLogger(settings)),
      SchedulingModule,
      DatabaseModule.forRoot({ url: database.url, embedded: false, entities: LOG_ENTITIES, schema: SCHEMA }),
      AuditModule,
    ],
  })
  class TestModule {}
  app = await NestFactory.create<NestFastifyApplication>(TestModule, createHttpAdapter(settings), {
    logger: false,
    abortOnError: false,
  });
  configureHttp(app, settings);
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
  databases = app.get(Databases);
  events = await appendBatch(databases, [
    aDraft(),
    aDraft({ namespace: 'shop', actor: '=cmd()', reason: '@now' }),
    aDraft({ action: 'instance.deregistered', before: { a: 1 }, after: null, service: 'billing' }),
  ]);
});

afterAll(async () => {
  await app.close();
  await databases.close();
  await database.drop();
});

const ask = (path: string, init?: RequestInit) => fetch(`${url}/api/v1/audit/${path}`, init);

async function json(path: string): Promise<Record<string, unknown> & { items: LogEvent[] }> {
  const response = await ask(path);
  expect(response.status, path).toBe(200);
  return (await response.json()) as never;
}

async function problem(path: string): Promise<{ status: number; code: string; errors?: { path: string }[] }> {
  return (await (await ask(path)).json()) as never;
}

describe('GET /api/v1/audit/events', () => {
  it('returns all events, newest first, with the head of their snapshot', async () => {
    const response = await ask('events');
    expect(response.headers.get('x-catalog-revision')).toBe('3');
    expect(response.headers.get('x-catalog-epoch')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await response.json()).toEqual({ items: events.toReversed(), nextCursor: null });
  });

  it('selects one namespace, and all with *', async () => {
    expect((await json('events?namespace=shop')).items).toEqual([events[1]]);
    expect((await json('events?namespace=*')).items).toHaveLength(3);
  });

  it('matches service names in any case', async () => {
    expect((await json('events?service=BILLING')).items).toEqual([events[2]]);
  });

  it('returns page after page by cursors', async () => {
    const first = await json('events?limit=2&order=asc');
    expect(first.items).toEqual(events.slice(0, 2));
    const second = await json(`events?limit=2&order=asc&cursor=${String(first['nextCursor'])}`);
    expect(second).toEqual({ items: events.slice(2), nextCursor: null });
  });

  it('refuses a cursor of another query, and a text that is no cursor', async () => {
    const { nextCursor } = await json('events?limit=1');
    for (const path of [
      `events?limit=1&order=asc&cursor=${String(nextCursor)}`,
      `events?limit=1&namespace=shop&cursor=${String(nextCursor)}`,
      'events?cursor=nonsense',
      'events?cursor=',
    ]) {
      expect(await problem(path), path).toMatchObject({ status: 400, code: 'INVALID_CURSOR' });
    }
  });

  it('reports all invalid parameters at once', async () => {
    const names = ['namespace', 'service', 'instance', 'instanceId', 'source', 'actor', 'requestId', 'from', 'to'];
    const more = ['batchId', 'clientAddress', 'reason'];
    const numbers = ['afterRevision', 'beforeRevision', 'order', 'limit', 'unknown'];
    const bad = [...names, ...more]
      .map(name => `${name}=`)
      .concat(
        numbers.map(name => `${name}=x`),
        'action=',
      );
    const { status, code, errors } = await problem(`events?${bad.join('&')}`);
    expect({ status, code }).toEqual({ status: 400, code: 'VALIDATION_FAILED' });
    const expected = [...names, ...more, ...numbers, 'action/0'].map(name => `/query/${name}`);
    expect(errors?.map(({ path }) => path).sort()).toEqual(expected.sort());
  });

  it.each([
    'from=0000-01-01T00:00:00Z',
    'from=0001-01-01T00:00:00%2B10:00',
    'to=9999-12-31T23:59:59-12:00',
    'from=2026-02-30T00:00:00Z',
    'limit=0',
    'limit=1001',
    'instance=not-a-uuid',
    'action=instance.exploded',
    'namespace=Shop',
    'action=instance.registered,instance.exploded',
    'actor=a&actor=b',
    'reason=a&reason=b',
    'batchId=7',
    'instanceId=a/b',
    'clientAddress=10.0.0.0/33',
    'clientAddress=10.0.0',
    'clientAddress=fe80::1%25eth0',
    'clientAddress=localhost',
    'from=1.5',
    'from=-1',
    'to=9007199254740992',
    'afterRevision=later',
    'beforeRevision=9007199254740992',
  ])('refuses %s', async parameters => {
    expect(await problem(`events?${parameters}`)).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
  });

  it('accepts times with offsets, both ends included', async () => {
    const at = events[0]!.at;
    const other = encodeURIComponent(new Date(Date.parse(at) + 7_200_000).toISOString().replace('Z', '+02:00'));
    expect((await json(`events?from=${other}&to=${other}`)).items).toHaveLength(3);
    expect((await json(`events?from=${new Date(Date.parse(at) + 1).toISOString()}`)).items).toEqual([]);
    expect((await json(`events?to=${new Date(Date.parse(at) - 1).toISOString()}`)).items).toEqual([]);
  });

  it.each([
    ['from=2', [3, 2]],
    ['from=2&to=2', [2]],
    ['from=0&to=1', [1]],
    ['to=0', []],
    ['from=4', []],
    ['afterRevision=1', [3, 2]],
    ['beforeRevision=3', [2, 1]],
    ['beforeRevision=0', []],
    ['from=2&afterRevision=2&to=9007199254740991', [3]],
    ['from=AT', [3, 2, 1]],
    ['to=AT&from=2', [3, 2]],
    ['afterRevision=AT', []],
    ['beforeRevision=AT', []],
    ['afterRevision=9999-12-31T23:59:59.999Z', []],
    ['beforeRevision=0001-01-01T00:00:00Z', []],
    ['beforeRevision=2199-01-01T00:00:00Z', [3, 2, 1]],
  ])('accepts revisions and times for every bound: %s', async (bounds, revisions) => {
    const query = bounds.replaceAll('AT', events[0]!.at);
    expect((await json(`events?${query}`)).items.map(({ revision }) => revision)).toEqual(revisions);
    const lines = (await (await ask(`export?order=desc&${query}`)).text()).split('\n').slice(0, -1);
    expect(lines.map(line => (JSON.parse(line) as LogEvent).revision)).toEqual(revisions);
  });

  it.each([
    ['action=instance.deregistered', [3]],
    ['action=instance.deregistered,instance.registered', [3, 2, 1]],
    ['action=instance.deregistered&action=instance.updated', [3]],
    ['instanceId=orders-1', [3, 2, 1]],
    ['instanceId=Orders-1', []],
    ['reason=now', [2]],
    ['reason=NOW', [2]],
    ['reason=%25', []],
    ['reason=_now', []],
    ['reason=@', [2]],
    ['clientAddress=10.0.3.17', [3, 2, 1]],
    ['clientAddress=::ffff:10.0.3.17', [3, 2, 1]],
    ['clientAddress=::FFFF:a00:311', [3, 2, 1]],
    ['clientAddress=10.0.0.0/8', [3, 2, 1]],
    ['clientAddress=::ffff:10.0.0.0/104', [3, 2, 1]],
    ['clientAddress=10.0.3.18', []],
    ['clientAddress=::/0', []],
    ['batchId=BATCH', [3, 2, 1]],
    ['batchId=00000000-0000-4000-8000-000000000000', []],
  ])('selects by %s, like an export', async (filter, revisions) => {
    const query = filter.replace('BATCH', events[0]!.batchId.toUpperCase());
    expect((await json(`events?${query}`)).items.map(({ revision }) => revision)).toEqual(revisions);
    const lines = (await (await ask(`export?order=desc&${query}`)).text()).split('\n').slice(0, -1);
    expect(lines.map(line => (JSON.parse(line) as LogEvent).revision)).toEqual(revisions);
  });

  it('accepts cursors with the same filters in any spelling', async () => {
    const first = await json('events?limit=1&action=instance.updated,instance.registered&clientAddress=10.0.3.17/32');
    expect(first.items).toEqual([events[1]]);
    const again = 'events?limit=1&action=instance.registered&action=instance.updated&clientAddress=::ffff:10.0.3.17';
    const second = await json(`${again}&cursor=${String(first['nextCursor'])}`);
    expect(second.items).toEqual([events[0]]);
    for (const other of ['', '&reason=a', '&action=instance.updated', '&clientAddress=10.0.3.16/31']) {
      const path = `events?limit=1${other}&cursor=${String(first['nextCursor'])}`;
      expect(await problem(path), path).toMatchObject({ status: 400, code: 'INVALID_CURSOR' });
    }
  });
});

describe('GET /api/v1/audit/events/{revision}', () => {
  it('returns one event', async () => {
    expect(await json('events/2')).toEqual(events[1]);
  });

  it.each([
    ['events/4', 404, 'EVENT_NOT_FOUND'],
    ['events/9007199254740991', 404, 'EVENT_NOT_FOUND'],
    ['events/0', 400, 'VALIDATION_FAILED'],
    ['events/x', 400, 'VALIDATION_FAILED'],
  ])('responds to %s with %i', async (path, status, code) => {
    expect(await problem(path)).toMatchObject({ status, code });
  });
});

describe('GET /api/v1/audit/head and /verify', () => {
  it('return an anchor, and accept it', async () => {
    const head = await json('head');
    expect(head).toEqual({ revision: 3, hash: events[2]!.hash, at: events[2]!.at, epoch: head['epoch'] });
    const verdict = await json(`verify?anchor=${String(head['revision'])}:${String(head['hash'])}`);
    expect(verdict).toEqual({
      valid: true,
      checked: 3,
      head: { revision: 3, hash: events[2]!.hash },
      firstBroken: null,
    });
    expect(await json(`verify?from=2&to=2`)).toMatchObject({ valid: true, checked: 1 });
  });

  it('accept revisions and times as the ends of a range', async () => {
    const { at } = events[0]!;
    const [before, after] = [-1, 1].map(ms => new Date(Date.parse(at) + ms).toISOString());
    for (const [range, checked] of [
      [`from=${at}`, 3],
      [`from=${at}&to=${at}`, 3],
      [`from=2&to=${after}`, 2],
      [`from=${before}&to=2`, 2],
      [`to=${before}`, 0],
      [`from=${after}`, 0],
      [`from=0001-01-01T00:00:00Z&to=9999-12-31T00:00:00Z`, 3],
    ] as const) {
      expect(await json(`verify?${range}`), range).toMatchObject({ valid: true, checked });
    }
    for (const range of [`from=${after}&to=${at}`, `from=${after}&to=2`, `from=2&to=${before}`]) {
      const { status, errors } = await problem(`verify?${range}`);
      expect({ range, status, at: errors?.map(({ path }) => path) }).toEqual({ range, status: 400, at: ['/query/to'] });
    }
  });

  it('report an anchor that does not match', async () => {
    expect(await json(`verify?anchor=2:${'0'.repeat(64)}`)).toMatchObject({
      valid: false,
      firstBroken: { revision: 2, reason: 'ANCHOR_MISMATCH' },
    });
  });

  it.each([
    'from=3&to=2',
    'anchor=2',
    `anchor=x:${'0'.repeat(64)}`,
    'from=0',
    'to=0',
    'to=soon',
    `anchor=9999999999999999:${'0'.repeat(64)}`,
  ])('refuse %s', async parameters => {
    expect(await problem(`verify?${parameters}`)).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
  });
});

const busyReads = () => {
  const reads = databases.use().find(({ purpose }) => purpose === 'reads')!;
  return reads.open - reads.idle;
};

describe('A range that does not exist', () => {
  it.each([
    ['verify?from=4', 410, 'REVISION_UNKNOWN'],
    ['verify?from=9007199254740991', 410, 'REVISION_UNKNOWN'],
    ['events?afterRevision=4', 410, 'REVISION_UNKNOWN'],
    ['export?afterRevision=4', 410, 'REVISION_UNKNOWN'],
    ['verify?from=3&to=2', 400, 'VALIDATION_FAILED'],
    ['events?afterRevision=3&beforeRevision=3', 400, 'VALIDATION_FAILED'],
    ['export?afterRevision=3&beforeRevision=1', 400, 'VALIDATION_FAILED'],
    ['events?from=2026-11-23T10:00:00Z&to=2026-11-23T11:00:00%2B02:00', 400, 'VALIDATION_FAILED'],
    ['export?from=2026-11-23T10:00:00Z&to=2026-11-23T09:59:59.999Z', 400, 'VALIDATION_FAILED'],
  ])('is refused: %s', async (path, status, code) => {
    expect(await problem(path)).toMatchObject({ status, code });
  });

  it('is not one that exists and has no events', async () => {
    expect((await json('events?afterRevision=3')).items).toEqual([]);
    expect((await json('events?afterRevision=1&beforeRevision=2')).items).toEqual([]);
    expect((await ask('export?afterRevision=3')).status).toBe(200);
    const now = new Date().toISOString();
    expect((await json(`events?from=${now}&to=${now}`)).items).toEqual([]);
  });
});

describe('GET /api/v1/audit/export', () => {
  it('returns each event as a line, oldest first', async () => {
    const response = await ask('export');
    expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(response.headers.get('content-disposition')).toMatch(
      /^attachment; filename="audit-[0-9a-f]{8}-3[.]ndjson"$/,
    );
    expect(response.headers.get('x-catalog-revision')).toBe('3');
    const lines = (await response.text()).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map(line => JSON.parse(line) as unknown)).toEqual(events);
  });

  it('selects the same events as the list', async () => {
    const lines = (await (await ask('export?namespace=default&order=desc')).text()).trim().split('\n');
    expect(lines.map(line => JSON.parse(line) as unknown)).toEqual((await json('events?namespace=default')).items);
  });

  it('returns an empty, complete file when no event is selected', async () => {
    const response = await ask('export?service=nobody');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  it('returns CSV in which no cell is a formula', async () => {
    const response = await ask('export?format=csv');
    expect(response.headers.get('content-type')).toContain('text/csv');
    const [header, , second, third, rest] = (await response.text()).split('\r\n');
    expect(header).toMatch(/^revision,at,action,.*,before,after,hashVersion,previousHash,hash$/);
    expect(second).toContain(",'=cmd(),");
    expect(second).toContain(",'@now,");
    expect(third).toContain('"{""a"":1}"');
    expect(rest).toBe('');
  });

  it.each(['limit=1', 'cursor=x', 'format=xml'])('refuses %s', async parameters => {
    expect(await problem(`export?${parameters}`)).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
  });

  it.each([
    ['export', 'application/x-ndjson'],
    ['export?format=csv&namespace=shop', 'text/csv'],
    ['verify', 'application/json'],
    ['verify?from=1&to=2', 'application/json'],
  ])('responds to HEAD of %s as to GET, without a body', async (path, type) => {
    const [head, get] = [await ask(path, { method: 'HEAD' }), await ask(path)];
    await get.text();
    expect(head.status).toBe(200);
    expect(head.headers.get('content-type')).toContain(type);
    for (const name of ['content-type', 'content-disposition', 'x-catalog-revision', 'x-catalog-epoch']) {
      expect(head.headers.get(name), name).toBe(get.headers.get(name));
    }
    expect(head.headers.get('content-length')).toBeNull();
    await eventually(() => expect(busyReads()).toBe(0));
  });

  it.each([
    ['export?afterRevision=4', 410],
    ['verify?from=4', 410],
    ['verify?from=3&to=2', 400],
    ['export?format=xml', 400],
  ])('responds to HEAD of %s, which is invalid, with %i', async (path, status) => {
    expect((await ask(path, { method: 'HEAD' })).status).toBe(status);
  });
});

/** An export whose client stops reading after the first bytes. */
const stalled = () =>
  new Promise<IncomingMessage>((resolve, reject) => {
    httpGet(`${url}/api/v1/audit/export`, { agent: false }, response => {
      response.once('readable', () => resolve(response));
    }).once('error', reject);
  });

describe('A long export', () => {
  beforeAll(async () => {
    const padding = 'x'.repeat(4_000);
    for (let batch = 0; batch < MANY / 500; batch++) {
      await appendBatch(
        databases,
        Array.from({ length: 500 }, () => aDraft({ after: { padding } })),
      );
    }
  });

  it('holds no database connection while its client does not read, and is refused beyond a number of such clients', async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, stalled));
    await eventually(() => expect(busyReads()).toBe(0));
    for (const path of ['export', 'export?format=csv', 'verify']) {
      const head = await ask(path, { method: 'HEAD' });
      expect([path, head.status, head.headers.get('content-length')]).toEqual([path, 200, null]);
    }
    const refused = await ask('export');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await refused.json()).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await problem('verify')).toMatchObject({ status: 429 });
    expect((await ask('events?limit=1')).status).toBe(200);
    for (const client of clients) client.destroy();
    // The server admits requests again once it has noticed that the clients have disconnected.
    await eventually(async () => expect((await ask('verify?to=10')).status).toBe(200));
    await eventually(async () => expect((await ask('export?to=0001-01-02T00:00:00Z')).status).toBe(200));
  });

  it('is visibly incomplete when the database fails', async () => {
    const client = await stalled();
    await eventually(() => expect(busyReads()).toBe(0));
    await query(databases.em('writer'), 'alter table service_event rename to service_event_away');
    try {
      const received = await new Promise<{ complete: boolean; failed: boolean }>(resolve => {
        client.resume();
        client.once('error', () => resolve({ complete: client.complete, failed: true }));
        client.once('end', () => resolve({ complete: client.complete, failed: false }));
      });
      expect(received).toEqual({ complete: false, failed: true });
    } finally {
      await query(databases.em('writer'), 'alter table service_event_away rename to service_event');
    }
  });

  it('is complete for a client that reads slowly', async () => {
    const client = await stalled();
    await eventually(() => expect(busyReads()).toBe(0));
    let lines = 0;
    for await (const chunk of client.setEncoding('utf8')) lines += (chunk as string).split('\n').length - 1;
    expect(client.complete).toBe(true);
    expect(lines).toBe(MANY + 3);
  });
});
