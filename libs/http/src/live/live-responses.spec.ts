import { once } from 'node:events';
import { type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Controller, Get, Module, Res } from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ContextModule } from '@coordination/context';
import { Metrics } from '@coordination/observability';
import { Scheduler, WorkPlaces } from '@coordination/scheduling';
import { type FastifyReply } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { RequestPlaces } from '../admission/request-places.js';
import { clientDisconnect, configureHttp, createHttpAdapter, Endpoint } from '../index.js';
import { LiveResponses, sendLive } from './live-responses.js';

const ORIGIN = 'http://allowed.example';
const TEXT = 'event: news\ndata: 1\n\n';

/** The responses to which live bodies were sent. */
const responses: ServerResponse[] = [];
let gate = Promise.withResolvers<void>();
let late = 0;
let bug: Error | undefined;

const live = { sendTo: (response: ServerResponse) => void responses.push(response) };

@Controller('things')
class ThingController {
  @Endpoint({ work: 'heavy', summary: 'Live', operationId: 'live', status: 200 })
  @Get('live')
  live(@Res() reply: FastifyReply) {
    void reply.status(203).headers({ 'content-type': 'text/event-stream', 'x-own': 'yes' });
    sendLive(reply, live);
  }

  /** The same as a stream. */
  @Endpoint({ work: 'heavy', summary: 'Stream', operationId: 'stream', status: 200 })
  @Get('stream')
  stream(@Res() reply: FastifyReply) {
    void reply.status(203).headers({ 'content-type': 'text/event-stream', 'x-own': 'yes' });
    void reply.send(Readable.from([TEXT]));
  }

  @Endpoint({ work: 'hot', summary: 'Late', operationId: 'late', status: 200 })
  @Get('late')
  async late(@Res() reply: FastifyReply) {
    late += 1;
    await gate.promise;
    sendLive(reply, live);
  }

  /** Fails when its client has disconnected. */
  @Endpoint({ work: 'hot', summary: 'Wait', operationId: 'wait', status: 200 })
  @Get('wait')
  async wait(@Res() reply: FastifyReply) {
    const signal = clientDisconnect(reply.raw);
    if (!signal.aborted) await once(signal, 'abort');
    throw bug ?? signal.reason;
  }
}

@Module({
  imports: [ContextModule],
  controllers: [ThingController],
  providers: [Metrics, Scheduler, WorkPlaces, RequestPlaces, LiveResponses],
})
class ThingModule {}

/** The lines of a head that do not differ between two responses. */
const headOf = (text: string) =>
  text
    .slice(0, text.indexOf('\r\n\r\n'))
    .split('\r\n')
    .filter(line => !/^(?:date|x-request-id):/i.test(line))
    .map(line => line.toLowerCase())
    .sort();

const logged: unknown[] = [];
const note = (message: unknown) => void logged.push(message);

describe('a live body', () => {
  let app: NestFastifyApplication;
  let port: number;
  const observed: string[] = [];

  beforeAll(async () => {
    const settings = {
      HOST: '127.0.0.1',
      PCS_ALLOWED_HOSTS: [],
      PCS_TRUSTED_PROXIES: [],
      PCS_KEEP_ALIVE_SECONDS: 75,
      PCS_CORS_ORIGINS: [ORIGIN],
      PCS_COMPRESSION: true,
    };
    const logger = { log: () => undefined, warn: note, error: note };
    app = await NestFactory.create<NestFastifyApplication>(ThingModule, createHttpAdapter(settings), { logger });
    configureHttp(app, settings);
    app
      .get(HttpAdapterHost)
      .httpAdapter.getInstance()
      .addHook('onResponse', (request: { url: string }, _r: unknown, done: () => void) => {
        observed.push(request.url);
        done();
      });
    await app.listen(0, '127.0.0.1');
    port = (app.getHttpServer().address() as AddressInfo).port;
  });
  const sockets: Socket[] = [];
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await app.close();
  });

  /** A request whose response is read as it comes. */
  async function ask(path: string, version = '1.1') {
    const before = responses.length;
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    const seen = { text: '', isEnded: false };
    socket.on('data', chunk => (seen.text += String(chunk))).on('error', () => undefined);
    socket.on('end', () => (seen.isEnded = true));
    socket.write(
      `GET /things/${path} HTTP/${version}\r\nHost: localhost\r\nOrigin: ${ORIGIN}\r\nAccept-Encoding: gzip\r\n\r\n`,
    );
    const response = async () => {
      await waitFor('the body is sent', () => responses.length > before);
      return responses[before]!;
    };
    return { socket, seen, response };
  }

  it('has the status and the headers that a stream would have, with those of all hooks, and its bytes', async () => {
    const stream = await ask('stream');
    await waitFor('the stream', () => stream.seen.text.endsWith('0\r\n\r\n'));
    const { seen, response, socket } = await ask('live');
    (await response()).end(TEXT);
    await waitFor('the live body', () => seen.text.endsWith('0\r\n\r\n') || seen.text.endsWith(TEXT));
    const expected = headOf(stream.seen.text);
    expect(expected).toEqual(expect.arrayContaining([`access-control-allow-origin: ${ORIGIN}`, 'x-own: yes']));
    expect(headOf(seen.text).filter(line => !/^(?:content-length|transfer-encoding):/.test(line))).toEqual(
      expected.filter(line => !line.startsWith('transfer-encoding:')),
    );
    expect(seen.text).toContain(TEXT);
    // It counts as answered, and its connection serves the next request.
    await waitFor('both are observed', () => observed.length === 2);
    socket.write('GET /things/stream HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await waitFor('the next response', () => seen.text.split('HTTP/1.1 203').length === 3);
    for (const each of [socket, stream.socket]) each.destroy();
  });

  it('is sent to a client of HTTP/1.0 up to the end of the connection', async () => {
    const { seen, response } = await ask('live', '1.0');
    const raw = await response();
    raw.write(TEXT);
    raw.end(TEXT);
    await waitFor('the end', () => seen.isEnded);
    expect(seen.text.slice(seen.text.indexOf('\r\n\r\n') + 4)).toBe(TEXT + TEXT);
  });

  it('holds no place once it is sent, although it goes on', async () => {
    const opened = [];
    for (let n = 0; n < 5; n++) opened.push(await ask('live'));
    for (const { response } of opened) await response();
    expect(app.get(WorkPlaces).use().database).toMatchObject({ taken: 0, waiting: 0 });
    for (const { socket } of opened) socket.destroy();
  });

  it('is told when the client has disconnected before it is sent', async () => {
    const { socket, response } = await ask('late');
    await waitFor('it has begun', () => late === 1);
    socket.destroy();
    const { connections } = app.getHttpAdapter() as unknown as { connections: { state: { open: number } } };
    await waitFor('the connection is closed', () => connections.state.open === 0);
    gate.resolve();
    expect((await response()).destroyed).toBe(true);
    gate = Promise.withResolvers();
  });

  it('is not what a request gets whose client has disconnected: that has no response, and is no failure', async () => {
    logged.length = 0;
    const { connections } = app.getHttpAdapter() as unknown as {
      connections: { state: { open: number; idle: number } };
    };
    const disconnect = async () => {
      const { socket } = await ask('wait');
      await waitFor('it waits', () => connections.state.open - connections.state.idle === 1);
      socket.destroy();
      await waitFor('the connection is closed', () => connections.state.open === 0);
    };
    await disconnect();
    bug = new Error('a bug');
    await disconnect();
    // What fails for another reason is still reported.
    await waitFor('the bug is logged', () => logged.includes(bug));
    expect(logged.filter(each => each instanceof Error)).toEqual([bug]);
  });
});
