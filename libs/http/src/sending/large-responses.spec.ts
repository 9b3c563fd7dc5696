import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigModule, readSettings } from '@coordination/config';
import { ContextModule } from '@coordination/context';
import { Metrics, ObservabilityModule, createLogger } from '@coordination/observability';
import { Scheduler, SchedulingModule } from '@coordination/scheduling';
import { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bareRequest } from '../../../../test/support/http/bare-request.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { configureHttp } from '../server/configure-http.js';
import { createHttpAdapter } from '../server/http-adapter.js';
import { BytesUnderWay, bytesUnderWayLimit } from './bytes-under-way.js';
import { LargeResponses } from './large-responses.js';
import { ResponseStalls, stallLimit } from './response-stalls.js';
import { sendBody } from './send-body.js';
import { SharedBody } from './shared-body.js';

const MIB = 1024 * 1024;
/** More than the kernel takes for a connection of loopback whose client does not read. */
const PIECES = 192;
const PIECE_BYTES = 131_072;
const TEXT = 'x'.repeat(30_000);

const letters = (n: number) => Buffer.alloc(PIECE_BYTES, String.fromCharCode(97 + (n % 26)));
const pieces = () => Array.from({ length: PIECES }, (_, n) => letters(n));

interface Running {
  readonly app: NestFastifyApplication;
  readonly url: string;
  readonly underWay: BytesUnderWay;
  /** What is sent now. */
  body: SharedBody;
  /** Ends the requests that wait. */
  readonly gate: PromiseWithResolvers<void>;
}

describe('A server of large responses', () => {
  const running: Running[] = [];
  const sockets: Socket[] = [];
  const agents: Agent[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const agent of agents.splice(0)) agent.destroy();
    await Promise.all(running.splice(0).map(({ app }) => app.close()));
  });

  async function start({ maxBytes = 1_000 * MIB, stallMs = 3_600_000, keepAliveSeconds = 75 } = {}): Promise<Running> {
    const settings = readSettings({
      PCS_KEEP_ALIVE_SECONDS: String(keepAliveSeconds),
      LOG_LEVEL: 'silent',
      DATABASE_URL: 'postgres://nowhere/none',
    });
    @Module({
      imports: [
        ConfigModule.forRoot(settings),
        ContextModule,
        ObservabilityModule.forRoot(createLogger(settings)),
        SchedulingModule,
      ],
      providers: [
        { provide: bytesUnderWayLimit, useValue: { maxBytes } },
        { provide: stallLimit, useValue: { limitMs: stallMs } },
        BytesUnderWay,
        LargeResponses,
        ResponseStalls,
      ],
    })
    class TestModule {}
    const adapter = createHttpAdapter(settings);
    const app = await NestFactory.create<NestFastifyApplication>(TestModule, adapter, { logger: false });
    configureHttp(app, settings);
    addRoutes(adapter.getInstance(), () => server);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const server: Running = {
      app,
      url: `http://127.0.0.1:${port}`,
      underWay: app.get(BytesUnderWay),
      body: new SharedBody(pieces()),
      gate: Promise.withResolvers<void>(),
    };
    running.push(server);
    return server;
  }

  function addRoutes(server: FastifyInstance, state: () => Running): void {
    server.get('/list', (_request, reply) => {
      sendBody(reply.headers({ 'content-type': 'text/plain', etag: '"abc-7"' }), state().body);
      return reply;
    });
    server.get('/text', (_request, reply) => reply.type('text/plain').send(TEXT));
    server.get('/metrics', { config: { work: 'liveness' } }, (_request, reply) => reply.type('text/plain').send(TEXT));
    server.get('/quick', (_request, reply) => reply.send({ quick: true }));
    server.get('/late', async (_request, reply) => {
      await state().gate.promise;
      return reply.send({ late: true });
    });
  }

  /** A connection that has sent something, and reads nothing. */
  async function ask({ url }: Running, path: string, lines = ''): Promise<Socket> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    sockets.push(socket);
    socket.on('error', () => undefined).pause();
    await once(socket, 'connect');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${lines}\r\n`);
    return socket;
  }

  const metricOf = async ({ app }: Running, name: string) =>
    Number(new RegExp(`^${name} (.*)$`, 'm').exec(await app.get(Metrics).text())?.[1]);
  const isUnderWay = (server: Running, bytes: number) =>
    waitFor(
      `${bytes} bytes are under way`,
      () => server.underWay.byteLength === bytes,
      undefined,
      () => String(server.underWay.byteLength),
    );

  it('sends them whole, with their length, also one after another on one connection', async () => {
    const server = await start();
    const expected = Buffer.concat(server.body.pieces);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    for (let n = 0; n < 3; n++) {
      const [answer] = (await once(get(`${server.url}/list`, { agent }), 'response')) as [IncomingMessage];
      expect(answer.headers).toMatchObject({ 'content-length': String(expected.byteLength), etag: '"abc-7"' });
      expect(answer.headers).not.toHaveProperty('transfer-encoding');
      expect((await buffer(answer)).equals(expected)).toBe(true);
    }
    await isUnderWay(server, 0);
    const text = await bareRequest(`${server.url}/text`);
    expect([text.headers['content-length'], text.text]).toEqual([String(TEXT.length), TEXT]);
  });

  it('answers requests that came together on one connection in their order', async () => {
    const server = await start();
    server.body = new SharedBody(pieces().slice(0, 3));
    const { hostname, port } = new URL(server.url);
    const head = (path: string, end = '') => `GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${end}\r\n`;
    const socket = connect({ host: hostname, port: Number(port) });
    sockets.push(socket);
    socket.write(head('/list') + head('/quick') + head('/list', 'Connection: close\r\n'));
    const text = (await buffer(socket)).toString();
    const bodies = text.split('HTTP/1.1 200 OK').map(answer => answer.split('\r\n\r\n')[1] ?? '');
    const whole = String(server.body);
    expect(bodies.map(body => body.length)).toEqual([0, whole.length, 14, whole.length]);
    expect(bodies[3]).toBe(whole);
    await isUnderWay(server, 0);
  });

  it('answers HEAD with the headers alone', async () => {
    const server = await start();
    const [toGet, toHead] = [
      await bareRequest(`${server.url}/list`),
      await bareRequest(`${server.url}/list`, {}, { method: 'HEAD' }),
    ];
    expect(toHead.bytes.byteLength).toBe(0);
    expect(toHead.headers['content-length']).toBe(toGet.headers['content-length']);
    expect(toHead.headers['content-type']).toBe(toGet.headers['content-type']);
    expect(toHead.headers.etag).toBe('"abc-7"');
    await isUnderWay(server, 0);
  });

  it('holds one copy for any number of clients that do not read, and serves others meanwhile', async () => {
    const server = await start();
    const { byteLength } = server.body;
    const before = process.memoryUsage();
    await Promise.all(Array.from({ length: 50 }, () => ask(server, '/list')));
    await isUnderWay(server, byteLength);
    expect((await bareRequest(`${server.url}/quick`)).status).toBe(200);
    expect((await bareRequest(`${server.url}/list`)).bytes.byteLength).toBe(byteLength);
    const { arrayBuffers } = process.memoryUsage();
    // 50 copies would be 1,200 MiB. The clients of this test hold what the last request read.
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(10 * byteLength);
    for (const socket of sockets) socket.destroy();
    await isUnderWay(server, 0);
  });

  it('holds of each further version of a list only the pieces that changed', async () => {
    const server = await start();
    const { byteLength } = server.body;
    await ask(server, '/list');
    await isUnderWay(server, byteLength);
    for (let version = 1; version <= 5; version++) {
      server.body = new SharedBody(server.body.pieces.with(version * 7, letters(version)));
      await ask(server, '/list');
      await isUnderWay(server, byteLength + version * PIECE_BYTES);
    }
  });

  it('refuses further ones at its bound, before they are begun, and takes them again when there is room', async () => {
    const server = await start({ maxBytes: 30 * MIB });
    const { byteLength } = server.body;
    const first = await ask(server, '/list');
    await isUnderWay(server, byteLength);
    const shared = server.body;
    server.body = new SharedBody(pieces());
    const { status, headers, text } = await bareRequest(`${server.url}/list`);
    expect({ status, code: (JSON.parse(text) as { code: string }).code }).toEqual({ status: 503, code: 'OVERLOADED' });
    expect(headers).toMatchObject({
      'content-type': 'application/problem+json',
      'retry-after': expect.stringMatching(/^[1-5]$/) as string,
      'content-length': String(text.length),
    });
    expect(headers).not.toHaveProperty('etag');
    expect(await metricOf(server, 'pcs_responses_refused_total')).toBe(1);
    expect((await bareRequest(`${server.url}/list`, {}, { method: 'HEAD' })).status, 'HEAD has no bytes').toBe(200);
    const known = server.body;
    server.body = shared;
    expect((await bareRequest(`${server.url}/list`)).status, 'its bytes are under way already').toBe(200);
    first.destroy();
    await isUnderWay(server, 0);
    server.body = known;
    expect((await bareRequest(`${server.url}/list`)).bytes.byteLength).toBe(byteLength);
  });

  it('holds the plain bytes of what it compresses for one client, and releases them when that client is gone', async () => {
    const server = await start();
    const random = pieces().map(() => Buffer.from(Array.from({ length: 12_000 }, () => Math.random()).join('')));
    server.body = new SharedBody(random);
    const zipped = await bareRequest(`${server.url}/list`, { 'accept-encoding': 'gzip' });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(zipped.bytes).equals(Buffer.concat(random))).toBe(true);
    await isUnderWay(server, 0);
    const socket = await ask(server, '/list', 'Accept-Encoding: gzip\r\n');
    await isUnderWay(server, server.body.byteLength);
    socket.resetAndDestroy();
    await isUnderWay(server, 0);
  });

  it('releases everything when a client goes away in the middle', async () => {
    const server = await start();
    const socket = await ask(server, '/list');
    await waitFor('the client has a part', () => (socket.read(MIB) as Buffer | null) !== null);
    expect(server.underWay.byteLength).toBe(server.body.byteLength);
    socket.resetAndDestroy();
    await isUnderWay(server, 0);
    expect(await metricOf(server, 'pcs_responses_cut_total'), 'the client ended it').toBe(0);
  });

  it('cuts those of which the client takes nothing for the limit', async () => {
    const server = await start({ stallMs: 1_000 });
    const stalled = await Promise.all(Array.from({ length: 5 }, () => ask(server, '/list')));
    await waitFor('all are cut', async () => (await metricOf(server, 'pcs_responses_cut_total')) === stalled.length);
    await isUnderWay(server, 0);
    expect((await bareRequest(`${server.url}/list`)).status).toBe(200);
  });

  it('does not cut a client that takes a little now and then, a request that waits, or a connection that is idle', async () => {
    const server = await start({ stallMs: 3_000 });
    const { byteLength } = server.body;
    const late = bareRequest(`${server.url}/late`);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    const [first] = (await once(get(`${server.url}/quick`, { agent }), 'response')) as [IncomingMessage];
    await buffer(first);
    await ask(server, '/list');
    const slow = await ask(server, '/list', 'Connection: close\r\n');
    let taken = 0;
    const ended = once(slow, 'end');
    const take = setInterval(() => {
      taken += (slow.read(Math.min(slow.readableLength, MIB / 16)) as Buffer | null)?.byteLength ?? 0;
    }, 50);
    // The slow one lives for as long as one that takes nothing.
    await waitFor('the other is cut', async () => (await metricOf(server, 'pcs_responses_cut_total')) > 0);
    expect(taken).toBeLessThan(byteLength);
    clearInterval(take);
    slow.on('data', (chunk: Buffer) => (taken += chunk.byteLength)).resume();
    await ended;
    expect(taken).toBeGreaterThan(byteLength);
    expect(await metricOf(server, 'pcs_responses_cut_total')).toBe(1);
    server.gate.resolve();
    expect((await late).text).toContain('late');
    const again = get(`${server.url}/quick`, { agent });
    await buffer(((await once(again, 'response')) as [IncomingMessage])[0]);
    expect(again.reusedSocket, 'the idle connection was kept').toBe(true);
  });

  it('does not cut a response that waits for its first step, and judges its client again once it is sent', async () => {
    const server = await start({ stallMs: 300 });
    const scheduler = server.app.get(Scheduler);
    const held: Parameters<Scheduler['schedule']>[] = [];
    const schedule = vi.spyOn(scheduler, 'schedule').mockImplementation((...work) => void held.push(work));
    const look = vi.spyOn(server.app.get(ResponseStalls), 'look');
    const reading = bareRequest(`${server.url}/list`);
    const stalled = await ask(server, '/list');
    await waitFor('both wait for their first step', () => held.length === 2);
    const looksBefore = look.mock.calls.length;
    await waitFor('more looks than there are within the limit', () => look.mock.calls.length > looksBefore + 20);
    expect(await metricOf(server, 'pcs_responses_cut_total')).toBe(0);
    schedule.mockRestore();
    for (const work of held) scheduler.schedule(...work);
    expect((await reading).bytes.byteLength).toBe(server.body.byteLength);
    await waitFor('the other is cut', async () => (await metricOf(server, 'pcs_responses_cut_total')) === 1);
    await isUnderWay(server, 0);
    expect(scheduler.size).toBe(0);
    stalled.destroy();
  });

  it('sends what the liveness of the service depends on in that class, before all others', async () => {
    const server = await start();
    const scheduler = server.app.get(Scheduler);
    expect((await bareRequest(`${server.url}/metrics`)).text).toBe(TEXT);
    const piecesOf = (workClass: 'liveness' | 'send') => scheduler.use(workClass).pieces;
    await waitFor('the step is counted', () => piecesOf('liveness') === 1);
    expect(piecesOf('send')).toBe(0);
    await bareRequest(`${server.url}/text`);
    await waitFor('the step is counted', () => piecesOf('send') === 1);
  });

  it('closes idle connections after the time for which they are kept, although it looks after stalls', async () => {
    const server = await start({ keepAliveSeconds: 1 });
    const socket = await ask(server, '/quick');
    const closed = once(socket.resume(), 'close');
    await closed;
    expect(await metricOf(server, 'pcs_responses_cut_total')).toBe(0);
  });
});
