import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BareAnswer, bareRequest } from '../../../../test/support/http/bare-request.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { sendBody } from '../sending/send-body.js';
import { SharedBody } from '../sending/shared-body.js';
import { createHttpAdapter, type HttpAdapter } from '../server/http-adapter.js';
import { CompressedForm } from './compressed-form.js';

const textOf = (length: number) => JSON.stringify(Array.from({ length }, (_, n) => ({ instanceId: `orders-${n}` })));
const MEDIUM = textOf(200);
const LARGE = textOf(800);
const HUGE = textOf(20_000);
const JSON_TYPE = 'application/json; charset=utf-8';
const GZIP = { 'accept-encoding': 'gzip' };

let adapter: HttpAdapter;
let url: string;
let form: CompressedForm;
let hugeForm: CompressedForm;
const HUGE_BODY = new SharedBody([Buffer.from(HUGE.slice(0, 100_000)), Buffer.from(HUGE.slice(100_000))]);
/** What the streaming routes have produced (bytes), and what ends them. */
let produced = 0;
let goOn = Promise.withResolvers<void>();
let isClosed = false;

async function* slowly(): AsyncGenerator<string> {
  yield 'first\n';
  await goOn.promise;
  yield 'second\n';
}

async function* failing(): AsyncGenerator<string> {
  yield LARGE;
  await goOn.promise;
  throw new Error('the database is gone');
}

function* endless(): Generator<Buffer> {
  try {
    // Bytes that cannot be compressed fill buffers soonest.
    for (;;) {
      produced += 65_536;
      yield crypto.getRandomValues(Buffer.alloc(65_536));
    }
  } finally {
    isClosed = true;
  }
}

function addRoutes(server: FastifyInstance): void {
  const answer = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    server.get(path, (_request, reply) => reply.headers({ 'content-type': JSON_TYPE, ...headers }).send(body));
  answer('/large', LARGE, { etag: '"abc-7"' });
  answer('/medium', MEDIUM);
  answer('/huge', HUGE, { etag: '"abc-7"' });
  answer('/small', '{"small":true}', { etag: '"abc-7"' });
  answer('/record', LARGE, { etag: '"7"' });
  answer('/bytes', Buffer.from(LARGE), { 'content-type': 'application/problem+json' });
  answer('/picture', Buffer.from(LARGE), { 'content-type': 'image/png' });
  answer('/encoded', LARGE, { 'content-encoding': 'br' });
  answer('/origin', LARGE, { vary: 'Origin' });
  server.get('/kept', (_request, reply) => {
    reply.compressedForm = form;
    return reply.header('content-type', JSON_TYPE).send(LARGE);
  });
  server.get('/medium-kept', (_request, reply) => {
    reply.compressedForm = new CompressedForm(MEDIUM);
    return reply.header('content-type', JSON_TYPE).send(MEDIUM);
  });
  server.get('/huge-kept', (_request, reply) => {
    reply.compressedForm = hugeForm;
    sendBody(reply.header('content-type', JSON_TYPE), HUGE_BODY);
    return reply;
  });
  server.get('/huge-pieces', (_request, reply) => {
    sendBody(reply.header('content-type', JSON_TYPE), HUGE_BODY);
    return reply;
  });
  server.get('/replaced', (_request, reply) => {
    reply.compressedForm = form;
    return reply.header('content-type', JSON_TYPE).send(LARGE.replace('orders-0', 'orders-x'));
  });
  server.get('/known', (_request, reply) => reply.code(304).header('etag', '"abc-7"').send());
  server.post('/large', (_request, reply) => reply.type(JSON_TYPE).send(LARGE));
  server.post('/small', (_request, reply) => reply.type(JSON_TYPE).send('{}'));
  const stream = (path: string, type: string, make: () => Readable) =>
    server.get(path, (_request, reply) => reply.type(type).header('content-length', 7).send(make()));
  server.get('/failing', (_request, reply) => reply.type('application/x-ndjson').send(Readable.from(failing())));
  server.get('/endless', (_request, reply) => reply.type('text/csv').send(Readable.from(endless())));
  server.get('/slow', (_request, reply) => reply.type('text/csv').send(Readable.from(slowly())));
  server.get('/events', (_request, reply) => reply.type('text/event-stream').send(Readable.from(slowly())));
  stream('/file', 'text/css', () => Readable.from(['a{b:c}\n']));
}

beforeAll(async () => {
  form = new CompressedForm(LARGE);
  hugeForm = new CompressedForm(HUGE_BODY);
  adapter = createHttpAdapter({
    PCS_TRUSTED_PROXIES: [],
    PCS_KEEP_ALIVE_SECONDS: 75,
    PCS_COMPRESSION: true,
    HOST: '127.0.0.1',
    PCS_ALLOWED_HOSTS: [],
  });
  const server = adapter.getInstance();
  addRoutes(server);
  await server.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
});
afterAll(() => adapter.getInstance().close());

const get = (path: string, headers: Record<string, string> = GZIP): Promise<BareAnswer> =>
  bareRequest(`${url}${path}`, headers);

const post = (path: string): Promise<BareAnswer> => bareRequest(`${url}${path}`, GZIP, { method: 'POST' });

/** The headers that are the same for each request. */
const told = ({ headers: { date: _date, 'x-request-id': _id, ...others } }: BareAnswer) => others;

/** The tag of an answer that is not modified, to who knows such a one. */
async function tagFor(known: string): Promise<string | undefined> {
  const { headers } = await get('/known', { ...GZIP, 'if-none-match': known });
  expect(headers.vary).toBe('Accept-Encoding');
  return headers.etag;
}

/** Begins to read an answer, without waiting for its end. */
async function begin(path: string): Promise<IncomingMessage> {
  const sent = request(`${url}${path}`, { headers: GZIP, agent: false });
  sent.end();
  const [message] = (await once(sent, 'response')) as [IncomingMessage];
  return message;
}

describe('an answer to who accepts gzip', () => {
  it.each(['/large', '/bytes', '/kept'])('says the same in fewer bytes (%s)', async path => {
    const [plain, compressed, again] = [await get(path, {}), await get(path), await get(path)];
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.headers['content-length']).toBe(String(LARGE.length));
    expect(compressed.headers['content-encoding']).toBe('gzip');
    expect(compressed.headers['content-length']).toBe(String(compressed.bytes.length));
    expect(compressed.bytes.length).toBeLessThan(LARGE.length / 4);
    expect([plain.text, compressed.text, again.text]).toEqual([LARGE, LARGE, LARGE]);
    for (const { headers } of [plain, compressed]) expect(headers.vary).toBe('Accept-Encoding');
    expect(compressed.headers['content-type']).toBe(plain.headers['content-type']);
  });

  it('is plain if it is of medium size and its compressed form is not kept, since compressing costs more', async () => {
    expect((await get('/medium')).headers).toMatchObject({ 'content-length': String(MEDIUM.length) });
    expect((await get('/medium')).headers).not.toHaveProperty('content-encoding');
    expect((await get('/medium-kept')).headers['content-encoding']).toBe('gzip');
    expect((await get('/medium', { 'accept-encoding': 'gzip, identity;q=0' })).headers['content-encoding']).toBe(
      'gzip',
    );
  });

  it('is compressed once if it has pieces and is kept, and is whole in both forms', async () => {
    const [plain, one, two] = [await get('/huge-kept', {}), await get('/huge-kept'), await get('/huge-kept')];
    expect(plain.headers['content-length']).toBe(String(HUGE.length));
    expect(plain.text).toBe(HUGE);
    expect(one.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': String(hugeForm.byteLength) });
    expect(one.text).toBe(HUGE);
    expect(two.bytes.equals(one.bytes)).toBe(true);
  });

  it.each(['/huge', '/huge-pieces'])(
    'is compressed as the client takes it if it is huge and not kept (%s)',
    async path => {
      const { headers, text } = await get(path);
      expect(headers).toMatchObject({ 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' });
      expect(headers).not.toHaveProperty('content-length');
      expect(text).toBe(HUGE);
      expect((await get(path, {})).headers['content-length']).toBe(String(HUGE.length));
      const toHead = await bareRequest(`${url}${path}`, GZIP, { method: 'HEAD' });
      expect(toHead.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
      expect(toHead.headers).not.toHaveProperty('content-length');
    },
  );

  it('is never the kept form of another one', async () => {
    const { headers, text } = await get('/replaced');
    expect(headers['content-encoding']).toBe('gzip');
    expect(text).toContain('orders-x');
  });

  it('has the tag of the plain one, made weak', async () => {
    expect((await get('/large', {})).headers.etag).toBe('"abc-7"');
    expect((await get('/large')).headers.etag).toBe('W/"abc-7"');
  });

  it('is plain where that is shorter, of a type that is packed already, or the coding of somebody else', async () => {
    for (const path of ['/small', '/picture']) {
      const { headers, text } = await get(path);
      expect(headers['content-encoding'], path).toBeUndefined();
      expect(headers['content-length'], path).toBe(String(text.length));
    }
    expect((await get('/small')).headers).toMatchObject({ etag: '"abc-7"', vary: 'Accept-Encoding' });
    expect((await get('/picture')).headers.vary).toBeUndefined();
    expect((await get('/encoded')).headers['content-encoding']).toBe('br');
  });

  it('is plain with the version of a record as its tag, which If-Match takes in its strong form', async () => {
    const { headers, text } = await get('/record');
    expect(headers).toMatchObject({ etag: '"7"', 'content-length': String(LARGE.length) });
    expect(headers).not.toHaveProperty('content-encoding');
    expect(headers).not.toHaveProperty('vary');
    expect(text).toBe(LARGE);
  });

  it('is compressed however small for who refuses the plain form', async () => {
    const { headers, text } = await get('/small', { 'accept-encoding': 'gzip, identity;q=0' });
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', etag: 'W/"abc-7"' });
    expect(text).toBe('{"small":true}');
    expect((await get('/large', { 'accept-encoding': 'br, identity;q=0' })).text).toBe(LARGE);
  });

  it('goes on varying by what it varied by before', async () => {
    for (const headers of [{}, GZIP])
      expect((await get('/origin', headers)).headers.vary).toBe('Origin, Accept-Encoding');
  });

  it('to HEAD has the headers of that to GET', async () => {
    for (const path of ['/large', '/kept', '/small', '/record', '/bytes', '/origin']) {
      for (const headers of [{}, GZIP]) {
        const [toGet, toHead] = [
          await get(path, headers),
          await bareRequest(`${url}${path}`, headers, { method: 'HEAD' }),
        ];
        expect(told(toHead), path).toEqual(told(toGet));
        expect(toHead.bytes.length).toBe(0);
      }
    }
  });

  it('that is not modified tells the tag as the client knows it', async () => {
    expect(await tagFor('W/"abc-7"')).toBe('W/"abc-7"');
    expect(await tagFor('"other", W/"abc-7"')).toBe('W/"abc-7"');
    expect(await tagFor('"abc-7"')).toBe('"abc-7"');
  });

  it('to a write is compressed when it is large, and has nothing more when it is small', async () => {
    expect((await post('/large')).headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect((await post('/large')).text).toBe(LARGE);
    const { headers } = await post('/small');
    expect(headers).not.toHaveProperty('vary');
    expect(headers).not.toHaveProperty('content-encoding');
  });
});

describe('a stream to who accepts gzip', () => {
  it('has no length, which was that of the plain form', async () => {
    const { headers, text } = await get('/file');
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' });
    expect(headers).not.toHaveProperty('content-length');
    expect(text).toBe('a{b:c}\n');
    const toHead = await bareRequest(`${url}/file`, GZIP, { method: 'HEAD' });
    expect(toHead.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(toHead.headers).not.toHaveProperty('content-length');
  });

  it('comes as it is made', async () => {
    goOn = Promise.withResolvers();
    const message = await begin('/slow');
    const text = message.pipe(createGunzip()).setEncoding('utf8');
    expect((await once(text, 'data'))[0]).toBe('first\n');
    goOn.resolve();
    expect((await once(text, 'data'))[0]).toBe('second\n');
    await once(text, 'end');
  });

  it('is not compressed if it is one of events', async () => {
    goOn = Promise.withResolvers();
    const message = await begin('/events');
    expect(message.headers).not.toHaveProperty('content-encoding');
    expect(String((await once(message, 'data'))[0])).toBe('first\n');
    message.destroy();
    goOn.resolve();
  });

  it('is cut off when it fails, so that nobody takes it for whole', async () => {
    goOn = Promise.withResolvers();
    const message = await begin('/failing');
    const text = message.pipe(createGunzip());
    await once(text, 'data');
    goOn.resolve();
    const [error] = (await once(message, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect(message.complete).toBe(false);
  });

  it('waits for who reads slowly, and ends when they are gone', async () => {
    [produced, isClosed] = [0, false];
    const message = await begin('/endless');
    expect(message.headers['content-encoding']).toBe('gzip');
    message.pause();
    let before = -1;
    await waitFor('no more is produced', () => {
      const isStill = produced === before;
      before = produced;
      return isStill;
    });
    expect(produced).toBeLessThan(64 * 1024 * 1024);
    message.destroy();
    await waitFor('the stream is closed', () => isClosed);
  });
});

describe('without compression', () => {
  it('answers are as they were', async () => {
    const off = createHttpAdapter({
      PCS_TRUSTED_PROXIES: [],
      PCS_KEEP_ALIVE_SECONDS: 75,
      PCS_COMPRESSION: false,
      HOST: '127.0.0.1',
      PCS_ALLOWED_HOSTS: [],
    });
    addRoutes(off.getInstance());
    try {
      for (const path of ['/large', '/kept']) {
        const { headers, payload } = await off.getInstance().inject({ url: path, headers: GZIP });
        expect(payload).toBe(LARGE);
        expect(headers).not.toHaveProperty('vary');
        expect(headers).not.toHaveProperty('content-encoding');
      }
    } finally {
      await off.getInstance().close();
    }
  });
});
