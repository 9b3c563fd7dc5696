import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Body, Controller, Get, Module, Param, Post, Put, Query, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ContextModule } from '@coordination/context';
import { ERROR_CODES, InstanceNotFoundError, systemClock } from '@coordination/kernel';
import { type PlaceKind, WorkPlaces } from '@coordination/scheduling';
import { type FastifyReply } from 'fastify';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import {
  clientDisconnect,
  configureHttp,
  createHttpAdapter,
  Endpoint,
  RequestPlaces,
  UseProtocol,
  Work,
  type WireProtocol,
} from '../index.js';

const LINE = 4;
const SMALL = { places: 1, lineMax: LINE, waitMs: 600_000 };

/** Bodies as the parser got them. */
let parsed: number[] = [];

const EUREKA: WireProtocol = {
  source: 'eureka',
  prefix: '/eureka',
  bodyParsers: {
    'text/plain': bytes => {
      parsed.push(bytes.length);
      return { length: bytes.length };
    },
  },
  formatError: ({ code }) => ({ status: ERROR_CODES[code].status, contentType: 'text/plain', body: `eureka: ${code}` }),
};

/** What handlers wait for, by the name of the work. */
const works = new Map<string, PromiseWithResolvers<unknown>>();
/** Works whose handler was called. */
const begun: string[] = [];

async function work(name: string): Promise<unknown> {
  begun.push(name);
  const ending = Promise.withResolvers<unknown>();
  works.set(name, ending);
  return await ending.promise;
}

const LARGE_ANSWER = { padding: 'x'.repeat(32 * 1024 * 1024) };

@Controller('api')
class WorkController {
  constructor(private readonly places: RequestPlaces) {}

  @Endpoint({ work: 'heavy', summary: 'Heavy', operationId: 'heavy', status: 200 })
  @Get('heavy/:name')
  heavy(@Param('name') name: string) {
    return work(name);
  }

  @Endpoint({ work: 'heavy', summary: 'Checked', operationId: 'checked', status: 200 })
  @Get('checked')
  checked(@Query({ schema: z.object({ n: z.coerce.number() }) }) { n }: { n: number }) {
    if (n === 404) throw new InstanceNotFoundError('n');
    if (n === 500) throw new TypeError('a bug');
    return { n };
  }

  @Endpoint({ work: 'heavy', summary: 'Large', operationId: 'large', status: 200 })
  @Get('large')
  large() {
    return LARGE_ANSWER;
  }

  @Endpoint({ work: 'hot', summary: 'Hot', operationId: 'hot', status: 200 })
  @Get('hot/:name')
  async hot(@Param('name') name: string) {
    if (name !== 'kept') {
      await this.places.enter('database');
      return await work(name);
    }
    return { name };
  }

  @Endpoint({ work: 'long', summary: 'Long', operationId: 'long', status: 200 })
  @Get('long/:name')
  async long(@Param('name') name: string) {
    await work(name);
    await this.places.handOn();
    return await work(`${name}, continued`);
  }

  /** Its work ends when the client is gone, and because of that. */
  @Endpoint({ work: 'heavy', summary: 'Abortable', operationId: 'abortable', status: 200 })
  @Get('abortable/:name')
  async abortable(@Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply) {
    const signal = clientDisconnect(reply.raw);
    signal.addEventListener('abort', () => works.get(name)!.resolve({}));
    await work(name);
    signal.throwIfAborted();
    return {};
  }

  @Endpoint({ work: 'write', summary: 'Write', operationId: 'write', status: 200 })
  @Post('write')
  write() {
    return { written: true };
  }

  @Endpoint({ work: 'liveness', summary: 'Beat', operationId: 'beat', status: 204 })
  @Put('beat')
  beat() {}
}

@UseProtocol(EUREKA)
@Controller('eureka')
class EurekaController {
  constructor(private readonly places: RequestPlaces) {}

  @Work('heavy')
  @Post('heavy/:name')
  heavy(@Param('name') name: string, @Body() _body: unknown) {
    return work(name);
  }

  @Endpoint({ work: 'write', summary: 'Many', operationId: 'many', status: 200, bodyLimitBytes: 1024 * 1024 })
  @Post('many/:name')
  async many(@Param('name') name: string, @Body() body: { length: number }) {
    await work(name);
    this.places.leave();
    await work(`${name}, handed over`);
    return body;
  }
}

@Module({
  imports: [ContextModule],
  controllers: [WorkController, EurekaController],
  providers: [RequestPlaces],
})
class TestModule {}

const settings = {
  HOST: '127.0.0.1',
  PCS_ALLOWED_HOSTS: [],
  PCS_TRUSTED_PROXIES: [],
  PCS_KEEP_ALIVE_SECONDS: 75,
  PCS_CORS_ORIGINS: [],
};

let app: NestFastifyApplication;
let places: WorkPlaces;
const open = new Set<ClientRequest>();

beforeAll(async () => {
  places = new WorkPlaces(systemClock, { database: SMALL, long: SMALL, body: SMALL });
  const module = {
    module: class {},
    global: true,
    providers: [{ provide: WorkPlaces, useValue: places }],
    exports: [WorkPlaces],
  };
  const root = { module: class {}, imports: [module, TestModule] };
  app = await NestFactory.create<NestFastifyApplication>(root, createHttpAdapter(settings), { logger: false });
  configureHttp(app, settings);
  await app.listen(0, '127.0.0.1');
});
afterAll(() => app.close());

beforeEach(() => {
  works.clear();
  begun.length = 0;
  parsed = [];
});
afterEach(async () => {
  for (const request of open) request.destroy();
  open.clear();
  await waitFor('nothing works or waits any more', () => {
    for (const { resolve } of works.values()) resolve({});
    return Object.values(places.use()).every(({ taken, waiting }) => taken + waiting === 0);
  });
});

interface Call {
  readonly request: ClientRequest;
  readonly answered: Promise<{ status: number; headers: IncomingMessage['headers']; text: string }>;
}

/** Sends a request on a connection of its own. @param from another address of loopback */
function call(method: string, path: string, { body = '', from = '127.0.0.1' } = {}): Call {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const headers = body ? { 'content-type': 'text/plain' } : {};
  const request = httpRequest({ port, host: '127.0.0.1', localAddress: from, method, path, headers, agent: false });
  request.on('error', () => undefined);
  open.add(request);
  const answered = once(request, 'response').then(async ([response]: IncomingMessage[]) => {
    let text = '';
    for await (const chunk of response!) text += String(chunk);
    return { status: response!.statusCode!, headers: response!.headers, text };
  });
  answered.catch(() => undefined);
  request.end(body);
  return { request, answered };
}

const statusOf = async (sent: Call): Promise<number> => (await sent.answered).status;

const begins = (name: string) => waitFor(`${name} begins`, () => works.has(name));

const waiting = (kind: PlaceKind, count: number) =>
  waitFor(`${count} wait`, () => places.use()[kind].waiting === count);

/** Fills the only place with work, and the line with further work of the same address. */
async function fill(): Promise<Call[]> {
  const calls = [call('GET', '/api/heavy/first')];
  await begins('first');
  for (let n = 1; n <= LINE; n++) {
    calls.push(call('GET', `/api/heavy/waiting-${n}`));
    await waiting('database', n);
  }
  return calls;
}

describe('A route of heavy work', () => {
  it('begins when it gets a place, and hands it on when it is answered', async () => {
    const calls = await fill();
    expect(begun).toEqual(['first']);
    works.get('first')!.resolve({ n: 1 });
    expect(await calls[0]!.answered).toMatchObject({ status: 200, text: '{"n":1}' });
    await begins('waiting-1');
    expect(begun).toEqual(['first', 'waiting-1']);
    expect(places.use().database).toMatchObject({ taken: 1, waiting: LINE - 1 });
  });

  it('makes no other route wait', async () => {
    await fill();
    const others = [
      call('GET', '/api/hot/kept'),
      call('POST', '/api/write'),
      call('PUT', '/api/beat'),
      call('GET', '/api/none'),
    ];
    expect(await Promise.all(others.map(statusOf))).toEqual([200, 200, 204, 404]);
    expect(begun).toEqual(['first']);
  });

  it('is refused when the line is full, with Retry-After, while another address still gets in', async () => {
    const calls = await fill();
    const refused = await call('GET', '/api/heavy/refused').answered;
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'OVERLOADED', status: 503 });
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    const other = call('GET', '/api/heavy/other', { from: '127.0.0.2' });
    expect(await statusOf(calls.at(-1)!), 'the newest of the first address gave way').toBe(503);
    works.get('first')!.resolve({});
    await begins('waiting-1');
    works.get('waiting-1')!.resolve({});
    // Addresses take turns, so it does not wait for all others of the first address.
    await begins('other');
    works.get('other')!.resolve({});
    expect(await statusOf(other)).toBe(200);
    expect(begun).not.toContain('refused');
  });

  it('of another protocol is refused in the format of that protocol, before its body is read', async () => {
    await fill();
    const refused = await call('POST', '/eureka/heavy/refused', { body: 'a body' }).answered;
    expect(refused).toMatchObject({ status: 503, text: 'eureka: OVERLOADED' });
    expect(refused.headers['retry-after']).toBeDefined();
    expect(parsed).toEqual([]);
  });

  it('reads its body only when it has a place', async () => {
    const first = call('GET', '/api/heavy/first');
    await begins('first');
    const second = call('POST', '/eureka/heavy/second', { body: 'a body' });
    await waiting('database', 1);
    expect(parsed).toEqual([]);
    works.get('first')!.resolve({});
    await begins('second');
    expect(parsed).toEqual([6]);
    works.get('second')!.resolve('done');
    expect(await Promise.all([first, second].map(statusOf))).toEqual([200, 201]);
  });

  it('leaves the line when its client is gone, without having begun', async () => {
    const calls = await fill();
    calls[1]!.request.destroy();
    await waiting('database', LINE - 1);
    works.get('first')!.resolve({});
    await begins('waiting-2');
    expect(begun).toEqual(['first', 'waiting-2']);
  });

  it('whose client is gone while it works keeps its place until the work has ended', async () => {
    const [first] = await fill();
    const { port } = app.getHttpServer().address() as AddressInfo;
    first!.request.destroy();
    // A further request shows that the server has had time to notice.
    await fetch(`http://127.0.0.1:${port}/api/hot/kept`);
    expect(places.use().database).toMatchObject({ taken: 1, waiting: LINE });
    works.get('first')!.resolve({});
    await begins('waiting-1');
  });

  it('gives its place back when its work fails because its client is gone', async () => {
    const gone = call('GET', '/api/abortable/gone');
    await begins('gone');
    gone.request.destroy();
    await waitFor('the place is free again', () => places.use().database.taken === 0);
    expect(await statusOf(call('GET', '/api/checked?n=1'))).toBe(200);
  });

  it.each([
    [400, '/api/checked?n=x'],
    [404, '/api/checked?n=404'],
    [500, '/api/checked?n=500'],
    [200, '/api/checked?n=1'],
  ])('gives its place back when it is answered %i', async (status, path) => {
    expect(await statusOf(call('GET', path))).toBe(status);
    await waitFor('the place is free again', () => places.use().database.taken === 0);
  });

  it('gives its place back although its client never reads the answer', async () => {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const unread = httpRequest({ port, host: '127.0.0.1', path: '/api/large', agent: false });
    open.add(unread);
    unread.end();
    const [response] = (await once(unread, 'response')) as [IncomingMessage];
    response.pause();
    await waitFor('the place is free again', () => places.use().database.taken === 0);
    expect(await statusOf(call('GET', '/api/checked?n=1'))).toBe(200);
    expect(response.complete).toBe(false);
  });
});

describe('A request that asks for a place while it is served', () => {
  it('waits in the same line, and gives its place back when it is answered', async () => {
    const calls = [call('GET', '/api/heavy/first')];
    await begins('first');
    calls.push(call('GET', '/api/hot/asking'));
    await waiting('database', 1);
    works.get('first')!.resolve({});
    await begins('asking');
    expect(places.use().database.taken).toBe(1);
    works.get('asking')!.resolve({});
    expect(await Promise.all(calls.map(statusOf))).toEqual([200, 200]);
    await waitFor('the place is free again', () => places.use().database.taken === 0);
  });

  it('is refused like any other', async () => {
    await fill();
    expect(await statusOf(call('GET', '/api/hot/asking'))).toBe(503);
    expect(begun).toEqual(['first']);
  });
});

describe('Long work', () => {
  it('takes turns with others, and is not refused then', async () => {
    const first = call('GET', '/api/long/first');
    await begins('first');
    const second = call('GET', '/api/long/second', { from: '127.0.0.2' });
    await waiting('long', 1);
    works.get('first')!.resolve({});
    await begins('second');
    expect(places.use().long).toMatchObject({ taken: 1, waiting: 1 });
    works.get('second')!.resolve({});
    await begins('first, continued');
    works.get('first, continued')!.resolve({});
    await begins('second, continued');
    works.get('second, continued')!.resolve({});
    expect(await Promise.all([first, second].map(statusOf))).toEqual([200, 200]);
  });
});

describe('Large bodies', () => {
  const LARGE = 'x'.repeat(100_000);

  it('are parsed one after the other, up to the moment when they are handed over; small ones need not wait', async () => {
    const first = call('POST', '/eureka/many/first', { body: LARGE });
    await begins('first');
    const second = call('POST', '/eureka/many/second', { body: `${LARGE}x` });
    await waiting('body', 1);
    const small = call('POST', '/eureka/many/small', { body: 'small' });
    await begins('small');
    expect(parsed).toEqual([100_000, 5]);
    works.get('first')!.resolve({});
    await begins('second');
    expect(parsed).toEqual([100_000, 5, 100_001]);
    for (const name of ['small', 'second', 'first']) {
      works.get(name)!.resolve({});
      await begins(`${name}, handed over`);
      works.get(`${name}, handed over`)!.resolve({});
    }
    expect(await Promise.all([first, second, small].map(statusOf))).toEqual([200, 200, 200]);
  });

  it('are refused when too many wait', async () => {
    const first = call('POST', '/eureka/many/first', { body: LARGE });
    await begins('first');
    for (let n = 1; n <= LINE; n++) {
      call('POST', `/eureka/many/waiting-${n}`, { body: LARGE });
      await waiting('body', n);
    }
    expect(await call('POST', '/eureka/many/refused', { body: LARGE }).answered).toMatchObject({
      status: 503,
      text: 'eureka: OVERLOADED',
    });
    expect(parsed).toEqual([100_000]);
    expect(begun).toEqual(['first']);
    void first;
  });
});
