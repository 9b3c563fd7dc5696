import { connect, type Socket } from 'node:net';
import { Body, Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ContextModule } from '@coordination/context';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { sendRaw } from '../../../../test/support/http/raw-http.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { configureHttp, createHttpAdapter, Endpoint, UseProtocol, type WireProtocol } from '../index.js';
import { RequestBodies, requestBodiesLimit } from './request-bodies.js';

const KIB = 1_024;
/** Room for all bodies: 96 KiB for large ones, of which a client has 48 KiB; a client has 64 KiB at most. */
const MAX_BYTES = 128 * KIB;
const BODY_LIMIT = 1_024 * KIB;

const gate = { promise: Promise.resolve() };

/** It takes longer than two slices. */
const SLOW: WireProtocol = {
  source: 'eureka',
  prefix: '/slow',
  bodyParsers: {
    'text/plain': bytes => {
      const until = performance.now() + 10;
      while (performance.now() < until);
      return { length: bytes.length };
    },
  },
  formatError: ({ code }) => ({ status: 503, contentType: 'text/plain', body: code }),
};

const Thing = z.object({ name: z.string() });

@Controller('things')
class ThingController {
  @Endpoint({ work: 'write', bodyLimitBytes: BODY_LIMIT, summary: 'Make', operationId: 'make', status: 200 })
  @Post()
  async make(@Body({ schema: Thing }) { name }: z.infer<typeof Thing>) {
    await gate.promise;
    return { length: name.length };
  }
}

@UseProtocol(SLOW)
@Controller('slow')
class SlowController {
  @Endpoint({ work: 'write', bodyLimitBytes: BODY_LIMIT, summary: 'Read', operationId: 'read', status: 200 })
  @Post()
  read(@Body() body: { length: number }) {
    return body;
  }
}

@Module({
  imports: [ContextModule],
  controllers: [ThingController, SlowController],
  providers: [Scheduler, Metrics, RequestBodies, { provide: requestBodiesLimit, useValue: { maxBytes: MAX_BYTES } }],
})
class ThingModule {}

let app: NestFastifyApplication;
let bodies: RequestBodies;
let url: string;
let sockets: Socket[] = [];

beforeAll(async () => {
  const settings = {
    HOST: '127.0.0.1',
    PCS_ALLOWED_HOSTS: [],
    PCS_TRUSTED_PROXIES: ['127.0.0.1'],
    PCS_KEEP_ALIVE_SECONDS: 75,
    PCS_CORS_ORIGINS: [],
  };
  app = await NestFactory.create<NestFastifyApplication>(ThingModule, createHttpAdapter(settings), { logger: false });
  configureHttp(app, settings, app.get(Scheduler));
  await app.listen(0, '127.0.0.1');
  bodies = app.get(RequestBodies);
  url = await app.getUrl();
});
afterAll(() => app.close());
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await waitFor('no body is counted any more', () => bodies.byteLength === 0);
});

const ofSize = (bytes: number): string => JSON.stringify({ name: 'x'.repeat(bytes - '{"name":""}'.length) });

const post = (client: string, body: string, path = '/things', type = 'application/json'): Promise<Response> =>
  fetch(url + path, { method: 'POST', body, headers: { 'content-type': type, 'x-forwarded-for': client } });

const headOf = (client: string, framing: string): string =>
  `POST /things HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: ${client}\r\nContent-Type: application/json\r\n${framing}\r\n`;

/** Sends the beginning of a body that is announced to have 1 MiB, and waits until it has arrived. */
async function begin(client: string, bytes: number): Promise<Socket> {
  const before = bodies.byteLength;
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.write(headOf(client, `Content-Length: ${BODY_LIMIT}\r\n`) + ' '.repeat(bytes));
  await waitFor('the bytes are counted', () => bodies.byteLength === before + bytes);
  return socket;
}

const metric = async (name: string): Promise<number> => {
  const found = await app.get(Metrics).registry.getSingleMetric(`pcs_${name}`)!.get();
  return found.values[0]!.value;
};

it('Bodies that are announced and not sent take no room from others', async () => {
  const answers = Array.from({ length: 20 }, () => begin('10.0.0.1', 0));
  await Promise.all(answers);
  expect((await post('10.0.0.1', ofSize(40 * KIB))).status).toBe(200);
});

it('At the bound, large bodies are refused at once, and small ones are carried out', async () => {
  const refused = await metric('request_bodies_refused_total');
  await begin('10.0.0.1', 45 * KIB);
  await begin('10.0.0.2', 45 * KIB);
  const answer = await post('10.0.0.3', ofSize(30 * KIB));
  expect(answer.status).toBe(503);
  expect(answer.headers.get('connection')).toBe('close');
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await answer.json()).toMatchObject({ code: 'OVERLOADED' });
  expect((await post('10.0.0.3', ofSize(10 * KIB))).status).toBe(200);
  expect(await metric('request_bodies_refused_total')).toBe(refused + 1);
  expect(await metric('request_body_bytes'), 'what was refused takes no room').toBe(90 * KIB);
});

it('Bodies that end without a response give their room back', async () => {
  const [one, other] = [await begin('10.0.0.1', 45 * KIB), await begin('10.0.0.2', 45 * KIB)];
  one.resetAndDestroy();
  other.end();
  await waitFor('the room is free', () => bodies.byteLength === 0);
  expect((await post('10.0.0.3', ofSize(90 * KIB))).status).toBe(200);
});

it('One client cannot have the room of all: another one is served while its bodies are refused', async () => {
  await begin('10.0.0.1', 40 * KIB);
  expect((await post('10.0.0.1', ofSize(20 * KIB))).status).toBe(503);
  expect((await post('10.0.0.2', ofSize(20 * KIB))).status).toBe(200);
});

it('A body that is the only one is admitted, even if it is larger than the bound', async () => {
  const answer = await post('10.0.0.1', ofSize(2 * MAX_BYTES));
  expect(await answer.json()).toEqual({ length: 2 * MAX_BYTES - 11 });
});

it('A body counts until its response has been sent, since what was parsed is kept until then', async () => {
  const waiting = Promise.withResolvers<void>();
  gate.promise = waiting.promise;
  const answer = post('10.0.0.1', ofSize(40 * KIB));
  await waitFor('the body is counted', () => bodies.byteLength === 40 * KIB);
  expect((await post('10.0.0.1', ofSize(30 * KIB))).status).toBe(503);
  waiting.resolve();
  expect((await answer).status).toBe(200);
  await waitFor('the room is free', () => bodies.byteLength === 0);
});

const inChunks = (text: string): string => Array.from(text, sign => `1\r\n${sign}\r\n`).join('') + '0\r\n\r\n';
const chunked = 'Transfer-Encoding: chunked\r\nConnection: close\r\n';

it('A body in thousands of chunks of one byte is read as it is', async () => {
  const answer = await sendRaw(url, headOf('10.0.0.1', chunked), inChunks(ofSize(3 * KIB)));
  expect(answer).toContain('HTTP/1.1 200');
  expect(answer).toContain(`{"length":${3 * KIB - 11}}`);
});

it('A body in very many chunks of one byte is refused, and its connection is closed', async () => {
  const answer = await sendRaw(url, headOf('10.0.0.1', 'Transfer-Encoding: chunked\r\n'), inChunks(ofSize(10 * KIB)));
  expect(answer).toContain('HTTP/1.1 400');
  expect(answer).toContain('thousands of chunks');
});

it('A body above the limit of its route is refused by its announcement, and by its bytes', async () => {
  const announced = await sendRaw(url, headOf('10.0.0.1', `Content-Length: ${BODY_LIMIT + 1}\r\n`));
  expect(announced).toContain('HTTP/1.1 413');
  const chunk = `${BODY_LIMIT.toString(16)}\r\n${' '.repeat(BODY_LIMIT)}\r\n`;
  const sent = await sendRaw(url, headOf('10.0.0.1', 'Transfer-Encoding: chunked\r\n'), chunk, chunk);
  expect(sent).toContain('HTTP/1.1 413');
});

it('Parsers of larger bodies take turns, each in a slice of its own, and those of small bodies wait for none', async () => {
  const scheduler = app.get(Scheduler);
  const before = scheduler.use('write');
  const { pieces, overlong } = before;
  const answers = await Promise.all(
    Array.from({ length: 4 }, (_, n) => post(`10.0.0.${n}`, 'x'.repeat(9 * KIB), '/slow', 'text/plain')),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(scheduler.use('write').pieces - pieces).toBe(4);
  expect(scheduler.use('write').overlong - overlong, 'each was charged with its own work').toBe(4);
  expect((await post('10.0.0.1', 'x'.repeat(KIB), '/slow', 'text/plain')).status).toBe(200);
  expect(scheduler.use('write').pieces - pieces).toBe(4);
});
