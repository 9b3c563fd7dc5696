import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { Body, Controller, Get, Module, Patch, Post, Put, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readSettings } from '@coordination/config';
import { ContextModule } from '@coordination/context';
import { type FastifyReply } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sendRaw } from '../../../../test/support/http/raw-http.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { configureHttp, createHttpAdapter, Endpoint, listenAddresses, MERGE_PATCH_MEDIA_TYPE } from '../index.js';
import { type Problem } from '../problems/problem.js';
import { type HttpAdapter } from './http-adapter.js';

const UI = 'https://ui.example';
const ANYTHING = z.looseObject({});

let stream = new PassThrough();
let gate = Promise.withResolvers<void>();
/** How often the slow thing was asked for. */
let asked = 0;
/** Bodies that a handler got. */
const taken: unknown[] = [];

@Controller('things')
class ThingController {
  @Get()
  @Endpoint({ work: 'hot', summary: 'List', operationId: 'listThings', status: 200 })
  list() {
    return { things: [] };
  }

  @Get('slow')
  async slow() {
    asked += 1;
    await gate.promise;
    return { slow: true };
  }

  @Get('stream')
  stream(@Res() reply: FastifyReply) {
    void reply.send(stream);
  }

  @Post()
  @Endpoint({ work: 'write', summary: 'Make', operationId: 'makeThing', status: 201 })
  make(@Body({ schema: ANYTHING }) body: unknown) {
    taken.push(body);
    return { taken: true };
  }

  @Patch()
  @Endpoint({
    work: 'write',
    summary: 'Change',
    operationId: 'changeThing',
    status: 200,
    consumes: [MERGE_PATCH_MEDIA_TYPE],
  })
  change(@Body({ schema: ANYTHING }) body: unknown) {
    taken.push(body);
    return { taken: true };
  }

  @Put('beat')
  @Endpoint({ work: 'write', summary: 'Beat', operationId: 'beat', status: 204 })
  beat(): void {}
}

@Module({ imports: [ContextModule], controllers: [ThingController] })
class ThingModule {}

let app: NestFastifyApplication;
let adapter: HttpAdapter;
let url: string;

beforeAll(async () => {
  const settings = readSettings({ PCS_CORS_ORIGINS: UI });
  adapter = createHttpAdapter(settings);
  app = await NestFactory.create<NestFastifyApplication>(ThingModule, adapter, { logger: false });
  configureHttp(app, settings);
  await app.listen(0, '127.0.0.1');
  url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
});
afterAll(() => app.close());

const LAST = 'Connection: close\r\n\r\n';
const HOST = 'Host: localhost\r\n';

interface Raw {
  readonly status: number;
  readonly head: string;
  readonly problem: Problem;
}

/** What was answered to bytes on a connection of their own, which the service must end. */
async function answerTo(bytes: string, at = url): Promise<Raw> {
  const text = await sendRaw(at, bytes);
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { status: Number(/^HTTP\/1\.1 (\d+) /.exec(head)?.[1]), head, problem: JSON.parse(body || '{}') as Problem };
}

function expectProblem({ status, head, problem }: Raw, wanted: number, code: string): void {
  expect(problem, head).toMatchObject({ status: wanted, code });
  expect(status).toBe(wanted);
  expect(head).toMatch(/^content-type: application\/problem\+json\r?$/im);
  expect(head).toMatch(/^x-content-type-options: nosniff\r?$/im);
  expect(/^x-request-id: (.+?)\r?$/im.exec(head)?.[1]).toBe(problem.requestId);
}

/** Requests that Node.js or Fastify would answer by themselves, or not at all. */
const ODD: [what: string, bytes: string, status: number, code: string][] = [
  ['without Host', `GET /things HTTP/1.1\r\n${LAST}`, 400, 'VALIDATION_FAILED'],
  ['without Host on a kept connection', 'GET /things HTTP/1.1\r\n\r\n', 400, 'VALIDATION_FAILED'],
  ['with Host twice', `GET /things HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400, 'VALIDATION_FAILED'],
  ['with two hosts', `GET /things HTTP/1.1\r\n${HOST}hOST: evil.example\r\n\r\n`, 400, 'VALIDATION_FAILED'],
  ['with a Host that is none', 'GET /things HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'VALIDATION_FAILED'],
  ['for another host', `GET /things HTTP/1.1\r\nHost: evil.example\r\n${LAST}`, 421, 'MISDIRECTED_REQUEST'],
  [
    'for another host, to no route',
    `GET /nothing HTTP/1.1\r\nHost: evil.example\r\n${LAST}`,
    421,
    'MISDIRECTED_REQUEST',
  ],
  ['for another host, undecodable', `GET /%zz HTTP/1.1\r\nHost: evil.example\r\n${LAST}`, 421, 'MISDIRECTED_REQUEST'],
  [
    'with a target of another host',
    `GET http://evil.example/things HTTP/1.1\r\n${HOST}${LAST}`,
    421,
    'MISDIRECTED_REQUEST',
  ],
  [
    'with a target of another scheme',
    `GET ftp://localhost/things HTTP/1.1\r\n${HOST}${LAST}`,
    421,
    'MISDIRECTED_REQUEST',
  ],
  ['with a target with a user', `GET http://a@localhost/ HTTP/1.1\r\n${HOST}${LAST}`, 400, 'VALIDATION_FAILED'],
  ['with a whole target to no route', `GET http://localhost HTTP/1.1\r\n${HOST}${LAST}`, 404, 'ROUTE_NOT_FOUND'],
  [
    'with a whole target and a wrong method',
    `PUT http://localhost/things HTTP/1.1\r\n${HOST}${LAST}`,
    405,
    'METHOD_NOT_ALLOWED',
  ],
  ['with a whole undecodable target', `GET http://localhost/%ff HTTP/1.1\r\n${HOST}${LAST}`, 400, 'VALIDATION_FAILED'],
  ['for everything', `OPTIONS * HTTP/1.1\r\n${HOST}${LAST}`, 404, 'ROUTE_NOT_FOUND'],
  ['to *', `GET * HTTP/1.1\r\n${HOST}${LAST}`, 404, 'ROUTE_NOT_FOUND'],
  ['that expects something', `GET /things HTTP/1.1\r\n${HOST}Expect: x\r\n${LAST}`, 417, 'EXPECTATION_FAILED'],
  [
    'that expects more',
    `GET /things HTTP/1.1\r\n${HOST}Expect: 100-continue, x=y\r\n${LAST}`,
    417,
    'EXPECTATION_FAILED',
  ],
  ['for a tunnel', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n', 405, 'METHOD_NOT_ALLOWED'],
  [
    'for a tunnel to itself',
    `CONNECT localhost:80 HTTP/1.1\r\n${HOST}\r\nGET / HTTP/1.1\r\n\r\n`,
    405,
    'METHOD_NOT_ALLOWED',
  ],
  ['by TRACE', `TRACE /things HTTP/1.1\r\n${HOST}${LAST}`, 405, 'METHOD_NOT_ALLOWED'],
  ['by TRACE to no route', `TRACE /nothing HTTP/1.1\r\n${HOST}${LAST}`, 404, 'ROUTE_NOT_FOUND'],
  ['by a method of WebDAV', `PROPFIND /things HTTP/1.1\r\n${HOST}${LAST}`, 405, 'METHOD_NOT_ALLOWED'],
  ['by a method that is none', `FOO /things HTTP/1.1\r\n${HOST}${LAST}`, 400, 'VALIDATION_FAILED'],
  ['of another version', `GET /things HTTP/3.0\r\n${HOST}${LAST}`, 400, 'VALIDATION_FAILED'],
  ['of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'VALIDATION_FAILED'],
  ['with a target that is no path', `GET things HTTP/1.1\r\n${HOST}${LAST}`, 400, 'VALIDATION_FAILED'],
  ['with a target that cannot be decoded', `GET /things/%zz HTTP/1.1\r\n${HOST}${LAST}`, 400, 'VALIDATION_FAILED'],
  [
    'that is a preflight for nobody',
    `OPTIONS /things HTTP/1.1\r\n${HOST}Access-Control-Request-Method: PUT\r\n${LAST}`,
    405,
    'METHOD_NOT_ALLOWED',
  ],
  ['that is no preflight', `OPTIONS /nothing HTTP/1.1\r\n${HOST}Origin: ${UI}\r\n${LAST}`, 404, 'ROUTE_NOT_FOUND'],
  ['with large headers', `GET /things HTTP/1.1\r\n${HOST}X: ${'x'.repeat(200_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
];

describe('A request', () => {
  it.each(ODD)(
    '%s gets a problem with a request id, and the end of its connection',
    async (_what, bytes, status, code) => {
      const answer = await answerTo(bytes);
      expectProblem(answer, status, code);
      expect(answer.head).toMatch(/^connection: close\r?$/im);
    },
  );

  it('for a tunnel is told that nothing is allowed there', async () => {
    const { head } = await answerTo(`CONNECT localhost:80 HTTP/1.1\r\n${HOST}\r\n`);
    expect(head).toMatch(/^allow: ?\r$/im);
  });

  it.each(['/things', 'http://LOCALHOST:1/things', 'HTTP://[::1]/things?'])(
    'with the target %s is served',
    async target => {
      const bytes = `GET ${target} HTTP/1.1\r\n${HOST}${LAST}`;
      expect((await answerTo(bytes)).status).toBe(200);
    },
  );

  it('of HTTP/1.0 without Host is served, also with an expectation, which that version does not know', async () => {
    expect((await answerTo('GET /things HTTP/1.0\r\n\r\n')).status).toBe(200);
    expect((await answerTo('GET /things HTTP/1.0\r\nExpect: x\r\n\r\n')).status).toBe(200);
  });

  it.each(['h2c', 'websocket', 'TLS/1.0'])(
    'that offers to speak %s is served as it is, and the next one too',
    async protocol => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      const closed = once(socket, 'close');
      socket.write(
        `POST /things HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: ${protocol}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
      );
      await waitFor('the first is answered', () => text.includes('{"taken":true}'));
      expect(text).toMatch(/^HTTP\/1\.1 201 /);
      socket.write(`GET /things HTTP/1.1\r\n${HOST}${LAST}`);
      await closed;
      expect(text).toContain('{"things":[]}');
    },
  );
});

describe('Garbage on a connection', () => {
  it('leaves the answer to the request before it whole', async () => {
    gate = Promise.withResolvers();
    const answer = sendRaw(url, `GET /things/slow HTTP/1.1\r\n${HOST}\r\n`, 'garbage\r\n\r\n');
    gate.resolve();
    expect(await answer).toMatch(/^HTTP\/1\.1 200 [^]*connection: close[^]*\{"slow":true\}$/i);
  });

  it('never gets into an answer that has begun', async () => {
    stream = new PassThrough();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    socket.write(`GET /things/stream HTTP/1.1\r\n${HOST}\r\n`);
    stream.write('beginning');
    await waitFor('the answer has begun', () => text.includes('beginning'));
    socket.write('garbage\r\n\r\n');
    await closed;
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});

/** Sends the head of a request and, when it is told to, the body. */
async function ask(method: string, path: string, headers: Record<string, string | number>, body = '{"a":1}') {
  const request = httpRequest(url + path, { method, headers: { Expect: '100-continue', ...headers } });
  let continued = false;
  request.on('continue', () => {
    continued = true;
    request.end(body);
  });
  request.on('error', () => undefined);
  request.flushHeaders();
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  request.destroy();
  return { status: response.statusCode, headers: response.headers, continued, problem: JSON.parse(text || '{}') };
}

describe('A client that waits for 100 Continue', () => {
  const JSON_TYPE = { 'Content-Type': 'application/json' };
  const SHORT = { ...JSON_TYPE, 'Content-Length': 7 };

  it.each<[string, string, string, Record<string, string | number>, number, string]>([
    ['too long a body', 'POST', '/things', { ...JSON_TYPE, 'Content-Length': 65_537 }, 413, 'PAYLOAD_TOO_LARGE'],
    [
      'too long a patch',
      'PATCH',
      '/things',
      { 'Content-Type': MERGE_PATCH_MEDIA_TYPE, 'Content-Length': 1e9 },
      413,
      'PAYLOAD_TOO_LARGE',
    ],
    ['no route', 'POST', '/nothing', SHORT, 404, 'ROUTE_NOT_FOUND'],
    ['a method that the path does not take', 'DELETE', '/things', SHORT, 405, 'METHOD_NOT_ALLOWED'],
    [
      'another media type',
      'POST',
      '/things',
      { ...SHORT, 'Content-Type': 'text/plain' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'another media type in chunks',
      'POST',
      '/things',
      { 'Content-Type': 'text/plain', 'Transfer-Encoding': 'chunked' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['no media type', 'POST', '/things', { 'Content-Length': 7 }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'a patch where none is taken',
      'POST',
      '/things',
      { ...SHORT, 'Content-Type': MERGE_PATCH_MEDIA_TYPE },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['a compressed body', 'POST', '/things', { ...SHORT, 'Content-Encoding': 'gzip' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a body that is not asked for', 'PUT', '/things/beat', SHORT, 400, 'MALFORMED_JSON'],
    ['another host', 'POST', '/things', { ...SHORT, Host: 'evil.example' }, 421, 'MISDIRECTED_REQUEST'],
    ['a bad key', 'POST', '/things', { ...SHORT, 'Idempotency-Key': 'a b' }, 400, 'VALIDATION_FAILED'],
    ['a bad reason', 'POST', '/things', { ...SHORT, 'X-Change-Reason': 'x'.repeat(501) }, 400, 'VALIDATION_FAILED'],
    [
      'another expectation too',
      'POST',
      '/things',
      { ...SHORT, Expect: '100-continue, 200-ok' },
      417,
      'EXPECTATION_FAILED',
    ],
  ])('is refused before it sends its body with %s', async (_what, method, path, headers, status, code) => {
    const before = taken.length;
    const answer = await ask(method, path, headers);
    expect(answer).toMatchObject({ status, continued: false, problem: { code } });
    expect(answer.headers['connection']).toBe('close');
    expect(answer.headers['x-request-id']).toBe(answer.problem.requestId);
    expect(taken).toHaveLength(before);
  });

  it.each<[string, string, Record<string, string | number>, number]>([
    ['a length', 'POST', SHORT, 201],
    ['chunks', 'POST', { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' }, 201],
    ['a patch', 'PATCH', { 'Content-Type': `${MERGE_PATCH_MEDIA_TYPE}; charset=utf-8`, 'Content-Length': 7 }, 200],
    ['an expectation in capitals', 'POST', { ...SHORT, Expect: '100-Continue' }, 201],
  ])('is told to go on with %s, and served', async (_what, method, headers, status) => {
    const answer = await ask(method, '/things', headers);
    expect(answer).toMatchObject({ status, continued: true });
    expect(taken.at(-1)).toEqual({ a: 1 });
  });

  it('in chunks is refused when they become too many', async () => {
    const answer = await ask(
      'POST',
      '/things',
      { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' },
      `["${'x'.repeat(70_000)}"]`,
    );
    expect(answer).toMatchObject({ status: 413, continued: true, problem: { code: 'PAYLOAD_TOO_LARGE' } });
  });

  it('may send its body at once', async () => {
    const answer = await sendRaw(
      url,
      `POST /things HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 7\r\n${LAST}{"a":2}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
    expect(taken.at(-1)).toEqual({ a: 2 });
  });
});

/** Those of which it is known who asks. */
const READABLE = ODD.filter(
  ([, bytes, status, code]) => status !== 431 && code !== 'VALIDATION_FAILED' && !/Origin|Access-Control/.test(bytes),
);

describe('A script of an allowed origin', () => {
  it.each(READABLE)('can read why its request %s was refused', async (_what, bytes, status) => {
    const { status: answered, head } = await answerTo(bytes.replace('\r\n', `\r\nOrigin: ${UI}\r\n`));
    expect(answered).toBe(status);
    expect(head).toMatch(/^access-control-allow-origin: https:\/\/ui\.example\r$/im);
    expect(head).toMatch(/^access-control-expose-headers: .*X-Request-Id.*\r$/im);
    expect(head).toMatch(/^vary: .*Origin.*\r$/im);
  });

  it.each<[string, string, string, Record<string, string>, string | undefined, number]>([
    ['a bad header', 'POST', '/things', { 'x-change-reason': 'x'.repeat(501) }, '{}', 400],
    ['a path that cannot be decoded', 'GET', '/things/%zz', {}, undefined, 400],
    ['a long path', 'GET', `/things/${'x'.repeat(9_000)}`, {}, undefined, 404],
    ['bad JSON', 'POST', '/things', { 'content-type': 'application/json' }, '{', 400],
    ['an unknown parameter', 'GET', '/things?x=1', {}, undefined, 400],
    ['another media type', 'POST', '/things', { 'content-type': 'text/plain' }, 'x', 415],
    ['a large body', 'POST', '/things', { 'content-type': 'application/json' }, `"${'x'.repeat(70_000)}"`, 413],
    ['another method', 'DELETE', '/things', {}, undefined, 405],
  ])(
    'can read what is wrong with %s, and all headers that are told',
    async (_what, method, path, headers, body, status) => {
      const answer = await fetch(url + path, { method, headers: { ...headers, origin: UI }, ...(body && { body }) });
      expect(answer.status).toBe(status);
      expect(answer.headers.get('access-control-allow-origin')).toBe(UI);
      const exposed = answer.headers.get('access-control-expose-headers')?.split(', ');
      expect(exposed).toEqual(
        expect.arrayContaining(['Allow', 'ETag', 'X-Liveness-Guard', 'X-Resolve-Panic', 'Content-Disposition']),
      );
    },
  );

  it('is told nothing where its origin is another one, and its preflight nothing where the host is', async () => {
    const answer = await fetch(`${url}/nothing`, { headers: { origin: 'https://evil.example' } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    const preflight = `OPTIONS /things HTTP/1.1\r\nHost: evil.example\r\nOrigin: ${UI}\r\nAccess-Control-Request-Method: POST\r\n${LAST}`;
    expectProblem(await answerTo(preflight), 421, 'MISDIRECTED_REQUEST');
  });
});

describe('Further addresses of the server', () => {
  it('are those of localhost, or none', async () => {
    expect(await listenAddresses('127.0.0.1')).toEqual(['127.0.0.1']);
    expect(await listenAddresses('node-1.invalid')).toEqual(['node-1.invalid']);
    const addresses = await listenAddresses('LOCALHOST');
    expect(addresses.length).toBeGreaterThan(0);
    for (const address of addresses) expect(['127.0.0.1', '::1']).toContain(address);
  });

  it('answer like the first, are waited for at the end, and tell when they cannot be had', async () => {
    const settings = readSettings({ HOST: 'localhost' });
    const other = createHttpAdapter(settings);
    const service = await NestFactory.create<NestFastifyApplication>(ThingModule, other, { logger: false });
    configureHttp(service, settings);
    await service.listen(await other.acceptors.optionsFor('127.0.0.1', 0));
    expect(await other.acceptors.listen(['127.0.0.2', '192.0.2.1'])).toEqual(['192.0.2.1']);
    const { port } = service.getHttpServer().address() as AddressInfo;
    const also = `http://127.0.0.2:${port}`;
    expect((await fetch(`${also}/things`)).status).toBe(200);
    for (const [, bytes, status, code] of ODD) expectProblem(await answerTo(bytes, also), status, code);
    gate = Promise.withResolvers();
    const before = asked;
    const slow = fetch(`${also}/things/slow`);
    await waitFor('the request is under way', () => asked > before);
    const closed = service.close();
    gate.resolve();
    expect(await (await slow).json()).toEqual({ slow: true });
    await closed;
    await expect(fetch(`${also}/things`)).rejects.toThrow();
  });
});
