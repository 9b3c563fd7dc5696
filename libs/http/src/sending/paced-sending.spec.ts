import { once } from 'node:events';
import { createReadStream, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { type HttpAdapterHost } from '@nestjs/core';
import { type Clock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { disposableDirectory } from '../../../../test/support/disposable-directory.js';
import { bareRequest } from '../../../../test/support/http/bare-request.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { compressAnswers } from '../compression/compress-answers.js';
import { BytesUnderWay } from './bytes-under-way.js';
import { LargeResponses } from './large-responses.js';
import { sendBody } from './send-body.js';
import { SharedBody, WHOLE_UP_TO_BYTES } from './shared-body.js';

const MIB = 1024 * 1024;
const CLIENTS = 40;

/** The clock moves by this (ms) with each look at it, of which a step needs three: so a slice of 4 ms has at most two steps. */
const TICK_MS = 1;
const STEPS_OF_A_SLICE = 2;
/** More than the headers of a response have. */
const HEAD_BYTES = 1_024;
/** A turn of the loop, as a test sees it, may have the end of one slice and the begin of the next. */
const MOST_OF_A_TURN = 2 * STEPS_OF_A_SLICE * (WHOLE_UP_TO_BYTES + HEAD_BYTES);

class TickingClock implements Clock {
  private ms = 0;
  now = () => new Date(0);
  monotonicMs = () => (this.ms += TICK_MS);
}

/** Bytes that a compressor cannot make smaller. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let n = 0; n < length; n++) bytes[n] = (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24;
  return bytes;
}

interface Running {
  readonly server: FastifyInstance;
  readonly scheduler: Scheduler;
  readonly underWay: BytesUnderWay;
  readonly url: string;
  /** The connections that the server has had. */
  readonly sockets: readonly Socket[];
}

const piecesOf = (whole: Buffer, length: number) =>
  Array.from({ length: Math.ceil(whole.length / length) }, (_, n) => whole.subarray(n * length, (n + 1) * length));

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** Looks in each turn of the loop how many bytes the server has written since the one before. */
function meterOf({ sockets }: Running): { end(): { most: number; total: number } } {
  const count = () => sum(sockets.map(({ bytesWritten }) => bytesWritten));
  const first = count();
  let last = first;
  let most = 0;
  let isOver = false;
  const look = () => {
    const now = count();
    most = Math.max(most, now - last);
    last = now;
    if (!isOver) setImmediate(look);
  };
  look();
  return {
    end() {
      isOver = true;
      look();
      return { most, total: last - first };
    },
  };
}

/** How a route sends a body. */
type Send = (reply: FastifyReply) => unknown;

describe('Responses that are sent at once', () => {
  const servers: FastifyInstance[] = [];
  const clients: Socket[] = [];
  const directory = disposableDirectory();
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await Promise.all(servers.splice(0).map(server => server.close()));
  });

  async function start(send: Send, clock?: Clock): Promise<Running> {
    const server = fastify();
    const scheduler = new Scheduler(clock);
    const underWay = new BytesUnderWay({ maxBytes: 1_000 * MIB }, new Metrics());
    compressAnswers(server);
    const host = { httpAdapter: { getInstance: () => server } } as unknown as HttpAdapterHost;
    expect(new LargeResponses(host, underWay, scheduler)).toBeInstanceOf(LargeResponses);
    server.get('/body', (_request, reply) => send(reply.type('text/plain')));
    server.get('/quick', (_request, reply) => reply.send('quick'));
    const sockets: Socket[] = [];
    server.server.on('connection', (socket: Socket) => sockets.push(socket));
    await server.listen({ host: '127.0.0.1', port: 0 });
    servers.push(server);
    const { port } = server.server.address() as AddressInfo;
    return { server, scheduler, underWay, sockets, url: `http://127.0.0.1:${port}` };
  }

  /** A connection that has asked for the body, and reads nothing. */
  async function ask({ url }: Running): Promise<Socket> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    clients.push(socket);
    socket.on('error', () => undefined).pause();
    await once(socket, 'connect');
    socket.write(`GET /body HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
    return socket;
  }

  const bytes = noise(2 * MIB + 17);
  const file = join(directory.path, 'file');
  writeFileSync(file, bytes);
  const shared = new SharedBody(piecesOf(bytes, 100_000));
  const letters = 'é'.repeat(MIB);
  const WAYS: readonly {
    readonly way: string;
    readonly whole: Buffer;
    readonly gzip?: boolean;
    readonly send: Send;
  }[] = [
    {
      way: 'a shared body in pieces',
      whole: bytes,
      send: reply => {
        sendBody(reply, shared);
        return reply;
      },
    },
    { way: 'one buffer', whole: bytes, send: reply => reply.send(bytes) },
    { way: 'one long text', whole: Buffer.from(letters), send: reply => reply.send(letters) },
    {
      way: 'a body that is small enough to be sent whole',
      whole: bytes.subarray(0, WHOLE_UP_TO_BYTES),
      send: reply => reply.send(bytes.subarray(0, WHOLE_UP_TO_BYTES)),
    },
    { way: 'what a compressor returns', whole: bytes, gzip: true, send: reply => reply.send(bytes) },
    { way: 'an export', whole: bytes, send: reply => reply.send(Readable.from(piecesOf(bytes, 70_000))) },
    { way: 'a file', whole: bytes, send: reply => reply.send(createReadStream(file)) },
    {
      way: 'an error',
      whole: bytes,
      send: reply => reply.status(409).send(bytes),
    },
  ];

  it.each(WAYS)(
    'are written in steps, a bounded number in each turn of the loop: $way',
    async ({ whole, gzip, send }) => {
      const gate = Promise.withResolvers<void>();
      let waiting = 0;
      const running = await start(async reply => {
        waiting += 1;
        await gate.promise;
        return send(reply);
      }, new TickingClock());
      const headers: Record<string, string> = gzip ? { 'accept-encoding': 'gzip' } : {};
      const answers = Array.from({ length: CLIENTS }, () => bareRequest(`${running.url}/body`, headers));
      await waitFor('all wait for their answer', () => waiting === CLIENTS);
      const meter = meterOf(running);
      gate.resolve();
      const got = await Promise.all(answers);
      const { most, total } = meter.end();
      expect(most).toBeLessThanOrEqual(MOST_OF_A_TURN);
      // Node.js does not count all bytes of connections that it has closed.
      expect(total).toBeGreaterThan((CLIENTS * whole.byteLength) / 2);
      for (const { bytes: received, text } of got) {
        if (gzip) expect(text).toBe(whole.toString());
        else expect(received.equals(whole)).toBe(true);
      }
      expect(running.scheduler.size).toBe(0);
      await waitFor('nothing is under way', () => running.underWay.byteLength === 0);
    },
  );

  it.each(WAYS)(
    'leave nothing in the scheduler if the client is gone before the first step: $way',
    async ({ send }) => {
      let waited = 0;
      const running: Running = await start(reply => {
        const { socket } = reply.request.raw;
        send(reply);
        waited = Math.max(waited, running.scheduler.size);
        socket.destroy();
        return reply;
      });
      const closed = once((await ask(running)).resume(), 'close');
      await closed;
      await waitFor('nothing waits', () => running.scheduler.size === 0 && running.underWay.byteLength === 0);
      expect(waited).toBe(1);
      expect((await bareRequest(`${running.url}/quick`)).text).toBe('quick');
      expect(running.scheduler.size).toBe(0);
    },
  );

  it.each(WAYS)('leave nothing in the scheduler if the client hangs up in the middle: $way', async ({ send }) => {
    const running = await start(send);
    const asking = await Promise.all(Array.from({ length: 20 }, () => ask(running)));
    await waitFor('the server has begun', () => running.scheduler.size + running.scheduler.use('send').pieces > 0);
    for (const client of asking) client.resetAndDestroy();
    await waitFor('all connections are closed', () => running.sockets.every(({ destroyed }) => destroyed));
    await waitFor('nothing waits', () => running.scheduler.size === 0 && running.underWay.byteLength === 0);
  });

  it('need no step while the client takes nothing', async () => {
    const body = new SharedBody(Array.from({ length: 192 }, () => bytes.subarray(0, 131_072)));
    const running = await start(reply => {
      sendBody(reply, body);
      return reply;
    });
    const { scheduler } = running;
    const client = await ask(running);
    await waitFor('the socket takes no more', () => running.sockets[0]!.writableLength > 0 && scheduler.size === 0);
    // The kernel may still take what was written last.
    let before = -1;
    await waitFor('no further step runs', async () => {
      const last = before;
      before = scheduler.use('send').pieces;
      for (let turn = 0; turn < 100; turn++) await nextTurnOfLoop();
      return before === last && scheduler.size === 0;
    });
    for (let n = 0; n < 20; n++) await bareRequest(`${running.url}/quick`);
    expect([scheduler.use('send').pieces, scheduler.size]).toEqual([before, 0]);
    let taken = 0;
    client.on('data', (chunk: Buffer) => (taken += chunk.byteLength)).resume();
    await waitFor('the client has all of it', () => taken > body.byteLength);
  });

  it.each(['a shared body', 'a stream'])('go on in steps when many slow clients read again: %s', async way => {
    const body = new SharedBody(Array.from({ length: 16 * 8 }, () => bytes.subarray(0, 131_072)));
    const running = await start(reply => {
      if (way === 'a stream') return reply.send(Readable.from(body.pieces.flatMap(piece => piecesOf(piece, 65_536))));
      sendBody(reply, body);
      return reply;
    }, new TickingClock());
    const asking = await Promise.all(Array.from({ length: CLIENTS }, () => ask(running)));
    const isStuck = () =>
      running.scheduler.size === 0 && running.sockets.every(({ writableLength }) => writableLength > 0);
    await waitFor('no socket takes more', () => running.sockets.length === CLIENTS && isStuck());
    const meter = meterOf(running);
    let taken = 0;
    for (const client of asking) client.on('data', (chunk: Buffer) => (taken += chunk.byteLength)).resume();
    await waitFor('all have everything', () => taken > CLIENTS * body.byteLength);
    expect(meter.end().most).toBeLessThanOrEqual(MOST_OF_A_TURN);
  });

  it('need no step for HEAD, and none for a short body', async () => {
    const running = await start(reply => {
      sendBody(reply, shared);
      return reply;
    });
    const { headers } = await bareRequest(`${running.url}/body`, {}, { method: 'HEAD' });
    expect(headers['content-length']).toBe(String(shared.byteLength));
    await bareRequest(`${running.url}/quick`);
    expect([running.scheduler.use('send').pieces, running.scheduler.size]).toEqual([0, 0]);
  });

  it('leave event streams alone: these are written in steps of their own', async () => {
    const running = await start(reply => reply.type('text/event-stream').send(Readable.from(['data: 1\n\n'])));
    expect((await bareRequest(`${running.url}/body`)).text).toBe('data: 1\n\n');
    expect(running.scheduler.use('send').pieces).toBe(0);
  });

  it('are an error if their stream fails before its first byte, and are cut if it fails later', async () => {
    const broken = await start(reply => reply.send(createReadStream(join(directory.path, 'no-such-file'))));
    expect((await bareRequest(`${broken.url}/body`)).status).toBe(500);
    const source = new PassThrough();
    const cut = await start(reply => reply.send(source));
    source.write(bytes);
    const client = (await ask(cut)).resume();
    await once(client, 'data');
    source.destroy(new Error('the database is gone'));
    await once(client, 'close');
    await waitFor('nothing waits', () => broken.scheduler.size + cut.scheduler.size === 0);
  });

  it('are sent to their end when the server closes meanwhile', async () => {
    const begun = Promise.withResolvers<void>();
    const running = await start(reply => {
      begun.resolve();
      sendBody(reply, shared);
      return reply;
    });
    const answer = bareRequest(`${running.url}/body`);
    await begun.promise;
    const closed = running.server.close();
    expect((await answer).bytes.equals(bytes)).toBe(true);
    await closed;
  });
});
