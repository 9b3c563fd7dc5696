import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Body, Controller, Delete, Get, Logger, Module, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ContextModule, RequestContext } from '@coordination/context';
import { InstanceNotFoundError, VersionMismatchError } from '@coordination/kernel';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import {
  configureHttp,
  createHttpAdapter,
  Endpoint,
  type IfMatch,
  IfMatchHeader,
  LARGE_BODY_LIMIT_BYTES,
  MERGE_PATCH_MEDIA_TYPE,
  queryInteger,
} from '../index.js';
import { type Problem } from '../problems/problem.js';
import { MAX_HEAD_BYTES } from './http-adapter.js';

const Thing = z.strictObject({
  name: z.string(),
  port: z.int().max(65_535).optional(),
  tags: z.record(z.string(), z.string()).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
const ThingPath = z.strictObject({ id: z.uuid() });
const ThingQuery = z.strictObject({ limit: queryInteger(1, 10).optional() });

@Controller('things')
class ThingController {
  constructor(private readonly context: RequestContext) {}

  @Post()
  @Endpoint({ work: 'write', summary: 'Make', operationId: 'makeThing', status: 201, response: Thing })
  make(@Body({ schema: Thing }) thing: z.infer<typeof Thing>) {
    return { ...thing, origin: this.context.origin() };
  }

  @Post('many')
  @Endpoint({
    work: 'write',
    summary: 'Many',
    operationId: 'makeMany',
    status: 200,
    bodyLimitBytes: LARGE_BODY_LIMIT_BYTES,
  })
  many(@Body({ schema: z.array(z.string()) }) names: string[]) {
    return { count: names.length };
  }

  @Get()
  @Endpoint({ work: 'hot', summary: 'List', operationId: 'listThings', status: 200 })
  list(@Query({ schema: ThingQuery }) query: z.infer<typeof ThingQuery>) {
    return query;
  }

  @Put(':id')
  @Endpoint({ work: 'write', summary: 'Replace', operationId: 'replaceThing', status: 200 })
  replace(
    @Param({ schema: ThingPath }) { id }: z.infer<typeof ThingPath>,
    @Query({ schema: ThingQuery }) _query: z.infer<typeof ThingQuery>,
    @Body({ schema: Thing }) thing: z.infer<typeof Thing>,
    @IfMatchHeader() versions: IfMatch,
  ) {
    return { id, thing, versions };
  }

  @Patch(':id')
  @Endpoint({
    work: 'write',
    summary: 'Change',
    operationId: 'changeThing',
    status: 200,
    consumes: [MERGE_PATCH_MEDIA_TYPE],
  })
  change(@Body({ schema: z.looseObject({}) }) patch: unknown) {
    return patch;
  }

  @Put(':id/heartbeat')
  @Endpoint({ work: 'write', summary: 'Beat', operationId: 'beat', status: 204 })
  beat(@Param('id') _id: string): void {}

  @Delete(':id')
  @Endpoint({ work: 'write', summary: 'Remove', operationId: 'removeThing', status: 204 })
  remove(@Param('id') id: string): never {
    throw id === 'stale' ? new VersionMismatchError(8) : new InstanceNotFoundError(id);
  }

  @Get('broken')
  broken(): never {
    throw new Error('select secret from passwords');
  }
}

@Module({ imports: [ContextModule], controllers: [ThingController] })
class ThingModule {}

const UUID = '019b0f1e-7a52-7c3d-9a64-2f1f0f5f3b21';
const settings = {
  HOST: '127.0.0.1',
  PCS_ALLOWED_HOSTS: [],
  PCS_TRUSTED_PROXIES: ['127.0.0.1'],
  PCS_KEEP_ALIVE_SECONDS: 75,
  PCS_CORS_ORIGINS: ['https://ui.example'],
};

const rawCall = (port: number, bytes: string) =>
  new Promise<string>((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket
      .on('data', chunk => (answer += chunk.toString()))
      .on('close', () => resolve(answer))
      .on('error', reject);
  });

const problemOf = (response: { headers: Record<string, unknown>; json: () => unknown; statusCode: number }) => {
  expect(response.headers['content-type']).toBe('application/problem+json');
  const problem = response.json() as Problem;
  expect(problem.status).toBe(response.statusCode);
  expect(problem.type).toBe(`/docs/errors/${problem.code}`);
  expect(problem.requestId).toBe(response.headers['x-request-id']);
  return problem;
};
const pathsOf = (problem: Problem) => problem.errors?.map(({ path }) => path);
const nested = (depth: number) => `{"name":"a","metadata":{"x":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
const jsonOfLength = (bytes: number) => JSON.stringify(['x'.repeat(bytes)]);

describe('the HTTP shell', () => {
  let app: NestFastifyApplication;
  let port: number;

  beforeAll(async () => {
    const adapter = createHttpAdapter(settings, { requestTimeoutMs: 300, connectionsCheckingIntervalMs: 50 });
    app = await NestFactory.create<NestFastifyApplication>(ThingModule, adapter, { logger: false });
    configureHttp(app, settings);
    await app.listen(0, '127.0.0.1');
    port = (app.getHttpServer().address() as AddressInfo).port;
  });
  afterAll(() => app.close());
  afterEach(() => vi.restoreAllMocks());

  const json = { 'content-type': 'application/json' };
  const call = (method: string, path: string, body?: string | Buffer, headers: Record<string, string> = json) =>
    app.inject({
      method: method as 'GET',
      url: path,
      headers: body === undefined ? (headers === json ? {} : headers) : headers,
      ...(body !== undefined && { payload: body }),
    });

  const origin = async (headers: Record<string, string>) => {
    const response = await call('POST', '/things', '{"name":"a"}', { ...json, ...headers });
    return response.json<{ origin: object }>().origin;
  };

  describe('answers', () => {
    it('names every bad field of body, query, path and headers at once', async () => {
      const response = await call(
        'PUT',
        '/things/nonsense?limit=99&colour=red',
        JSON.stringify({ port: 70_000, tags: { 'a/b': 1 }, extra: true, more: 1 }),
        { ...json, 'if-match': 'W/"x"' },
      );
      const problem = problemOf(response);
      expect(problem.code).toBe('VALIDATION_FAILED');
      expect(pathsOf(problem)?.sort()).toEqual(
        [
          '/extra',
          '/header/if-match',
          '/more',
          '/name',
          '/path/id',
          '/port',
          '/query/colour',
          '/query/limit',
          '/tags/a~1b',
        ].sort(),
      );
      expect(problem.errors).toContainEqual({ path: '/name', message: 'is required' });
      expect(problem.errors).toContainEqual({ path: '/tags/a~1b', message: 'must be text' });
    });

    it('lets a good request through with its values changed as the schemas say', async () => {
      const response = await call('PUT', `/things/${UUID}?limit=5`, '{"name":"a"}', {
        ...json,
        'if-match': '"7", "8"',
      });
      expect(response.json()).toEqual({ id: UUID, thing: { name: 'a' }, versions: [7, 8] });
    });

    it('domain errors with the status of their code, the current version included', async () => {
      expect(problemOf(await call('DELETE', '/things/x'))).toMatchObject({ status: 404, code: 'INSTANCE_NOT_FOUND' });
      expect(problemOf(await call('DELETE', '/things/stale'))).toMatchObject({ status: 412, currentVersion: 8 });
    });

    it('a bug as INTERNAL_ERROR that shows nothing of its inside', async () => {
      const logged = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
      const response = await call('GET', '/things/broken');
      expect(problemOf(response)).toMatchObject({ status: 500, code: 'INTERNAL_ERROR', instance: '/things/broken' });
      expect(response.body).not.toContain('passwords');
      expect(logged.mock.calls[0]?.[0]).toMatchObject({ message: 'select secret from passwords' });
    });

    it.each([
      ['GET', '/nothing', 404, 'ROUTE_NOT_FOUND', undefined],
      ['POST', '/nothing', 404, 'ROUTE_NOT_FOUND', undefined],
      ['PUT', '/things', 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, POST'],
      ['POST', `/things/${UUID}`, 405, 'METHOD_NOT_ALLOWED', 'DELETE, PATCH, PUT'],
      ['OPTIONS', '/things', 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, POST'],
      // The route of one thing would take them, with these words as ids.
      ['DELETE', '/things/many', 405, 'METHOD_NOT_ALLOWED', 'POST'],
      ['PUT', '/things/many', 405, 'METHOD_NOT_ALLOWED', 'POST'],
      ['OPTIONS', '/things/many', 405, 'METHOD_NOT_ALLOWED', 'POST'],
      ['PATCH', '/things/broken', 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD'],
    ])('%s %s with %i', async (method, path, status, code, allow) => {
      const response = await call(method, path, method === 'POST' ? '{"broken' : undefined);
      expect(problemOf(response)).toMatchObject({ status, code, instance: path });
      expect(response.headers['allow']).toBe(allow);
    });

    it('a method that a path does not take with 405, whatever its query', async () => {
      const response = await call('DELETE', '/things/many?force=1');
      expect(problemOf(response)).toMatchObject({ status: 405, instance: '/things/many' });
      expect(response.headers['allow']).toBe('POST');
    });

    it.each([
      '/things/%zz',
      '/things/%ff',
      '/things?limit=%zz',
      '/things?limit=%ff',
      '/things?a=%00',
      '/things/%00',
      '/things?%ED%A0%80=1',
    ])('%s, which cannot be decoded to storable text, with 400', async path => {
      expect(problemOf(await call('DELETE', path.replace('/things?', '/things/a?'))).status).toBe(400);
    });

    it('a path segment that is longer than any name with 400', async () => {
      expect(problemOf(await call('DELETE', `/things/${'a'.repeat(5_000)}`)).code).toBe('VALIDATION_FAILED');
    });

    it('query parameters and bodies that an operation does not take with 400', async () => {
      expect(pathsOf(problemOf(await call('DELETE', '/things/a?force=1&x=2')))).toEqual(['/query/force', '/query/x']);
      expect(problemOf(await call('PUT', '/things/a/heartbeat', '{}')).code).toBe('MALFORMED_JSON');
      expect((await call('PUT', '/things/a/heartbeat', '')).statusCode).toBe(204);
      expect((await call('PUT', '/things/a/heartbeat')).statusCode).toBe(204);
    });
  });

  describe('bodies', () => {
    it.each([
      ['absent', undefined, 'MALFORMED_JSON', undefined],
      ['empty', '', 'MALFORMED_JSON', undefined],
      ['cut', '{"name":', 'MALFORMED_JSON', undefined],
      ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'MALFORMED_JSON', undefined],
      ['a duplicate key', '{"name":"a","tags":{"x":"1","\\u0078":"2"}}', 'MALFORMED_JSON', ['/tags/x']],
      ['__proto__', '{"name":"a","metadata":{"__proto__":{"x":1}}}', 'MALFORMED_JSON', ['/metadata']],
      ['10,000 levels', nested(10_000), 'MALFORMED_JSON', undefined],
      ['U+0000', '{"name":"a\\u0000"}', 'VALIDATION_FAILED', ['/name']],
      ['a lone surrogate', '{"name":"\\ud800"}', 'VALIDATION_FAILED', ['/name']],
      ['a lone surrogate in a key', '{"name":"a","tags":{"\\udc00":"x"}}', 'VALIDATION_FAILED', ['/tags']],
      ['1e400', '{"name":"a","port":1e400}', 'VALIDATION_FAILED', ['/port']],
      ['2^53', '{"name":"a","metadata":{"n":[9007199254740992]}}', 'VALIDATION_FAILED', ['/metadata/n/0']],
      ['a float as a port', '{"name":"a","port":80.5}', 'VALIDATION_FAILED', ['/port']],
      ['a text as the whole', '"name"', 'VALIDATION_FAILED', ['']],
      ['null', 'null', 'VALIDATION_FAILED', ['']],
    ])('%s: 400', async (_what, body, code, paths) => {
      const problem = problemOf(await call('POST', '/things', body));
      expect(problem).toMatchObject({ status: 400, code });
      if (paths) expect(pathsOf(problem)).toEqual(paths);
    });

    it('keep legal keys that look dangerous', async () => {
      const metadata = { constructor: 'a', prototype: { toString: 1 } };
      const response = await call('POST', '/things', JSON.stringify({ name: 'a', metadata }));
      expect(response.statusCode).toBe(201);
      expect(response.json()).toMatchObject({ metadata });
    });

    it('over 64 KiB get 413, and where more is allowed over 1 MiB', async () => {
      expect(problemOf(await call('POST', '/things', jsonOfLength(64 * 1024)))).toMatchObject({
        code: 'PAYLOAD_TOO_LARGE',
      });
      expect((await call('POST', '/things/many', jsonOfLength(1_000_000))).json()).toEqual({ count: 1 });
      expect(problemOf(await call('POST', '/things/many', jsonOfLength(1024 * 1024)))).toMatchObject({ status: 413 });
    });

    it.each([
      ['POST', 'text/plain', 415],
      ['POST', 'nonsense', 415],
      ['POST', MERGE_PATCH_MEDIA_TYPE, 415],
      ['POST', 'application/x-www-form-urlencoded', 415],
      ['POST', 'application/json; charset=utf-8', 201],
    ])('%s as %s: %i', async (method, type, status) => {
      const response = await call(method, '/things', '{"name":"a"}', { 'content-type': type });
      expect(response.statusCode).toBe(status);
      if (status === 415) expect(problemOf(response).code).toBe('UNSUPPORTED_MEDIA_TYPE');
    });

    it('without a content type get 415', async () => {
      expect(problemOf(await call('POST', '/things', '{}', { 'content-length': '2' })).status).toBe(415);
    });

    it.each(['gzip', 'br', 'identity, gzip'])('that are said to be in %s get 415', async encoding => {
      const response = await call('POST', '/things', '{"name":"a"}', { ...json, 'content-encoding': encoding });
      expect(problemOf(response)).toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE' });
    });

    it('of PATCH may be merge patches or plain JSON', async () => {
      for (const type of [MERGE_PATCH_MEDIA_TYPE, 'application/json']) {
        expect((await call('PATCH', '/things/a', '{"x":null}', { 'content-type': type })).json()).toEqual({ x: null });
      }
    });
  });

  describe('the context of a request', () => {
    it('has the request id of the caller if it is sane, else a new one', async () => {
      const given = await call('GET', '/things', undefined, { 'x-request-id': 'trace:1.a_b-c' });
      expect(given.headers['x-request-id']).toBe('trace:1.a_b-c');
      const made = await call('GET', '/things', undefined, { 'x-request-id': 'no <script>' });
      expect(made.headers['x-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    });

    it('has the client that a trusted proxy names, and the reason, read as UTF-8', async () => {
      const reason = Buffer.from('über Nacht').toString('latin1');
      expect(
        await origin({ 'x-request-id': 'r1', 'x-forwarded-for': '198.51.100.7', 'x-change-reason': reason }),
      ).toEqual({
        actor: 'anonymous',
        clientAddress: '198.51.100.7',
        requestId: 'r1',
        source: 'api',
        reason: 'über Nacht',
      });
    });

    it.each([
      ['that is no address', 'unknown'],
      ['of any length', 'x'.repeat(10_000)],
    ])('has the proxy itself where that names a client %s', async (_what, forwarded) => {
      expect(await origin({ 'x-forwarded-for': forwarded })).toMatchObject({ clientAddress: '127.0.0.1' });
    });

    it('is there for bodies that come in pieces', async () => {
      const answer = await new Promise<string>((resolve, reject) => {
        const request = httpRequest(
          { port, host: '127.0.0.1', path: '/things', method: 'POST', headers: { ...json, 'x-request-id': 'slow' } },
          response => {
            let text = '';
            response.on('data', chunk => (text += String(chunk))).on('end', () => resolve(text));
          },
        );
        request.on('error', reject);
        request.write('{"name":', () => request.end('"a"}'));
      });
      expect(JSON.parse(answer)).toMatchObject({ origin: { requestId: 'slow' } });
    });

    it('refuses a reason of more than 500 characters', async () => {
      const response = await call('DELETE', '/things/x', undefined, { 'x-change-reason': 'a'.repeat(501) });
      expect(pathsOf(problemOf(response))).toEqual(['/header/x-change-reason']);
    });
  });

  it('answers preflights of allowed origins', async () => {
    const headers = { origin: 'https://ui.example', 'access-control-request-method': 'PUT' };
    const response = await call('OPTIONS', `/things/${UUID}`, undefined, headers);
    expect(response.statusCode).toBe(204);
    expect(response.headers['access-control-allow-origin']).toBe('https://ui.example');
    expect(response.headers['x-request-id']).toBeDefined();
  });

  describe('what is not a request yet', () => {
    it.each([
      ['garbage', 'hello\r\n\r\n', 400, 'VALIDATION_FAILED'],
      [
        'endless headers',
        `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(MAX_HEAD_BYTES)}\r\n\r\n`,
        431,
        'HEADERS_TOO_LARGE',
      ],
      ['headers that never end', 'GET / HTTP/1.1\r\nHost: localhost\r\n', 408, 'REQUEST_TIMEOUT'],
      [
        'a body that never comes',
        'POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
        408,
        'REQUEST_TIMEOUT',
      ],
    ])('%s gets a problem too', async (_what, bytes, status, code) => {
      const answer = await rawCall(port, bytes);
      expect(answer).toContain(`HTTP/1.1 ${status} `);
      expect(answer).toContain('application/problem+json');
      expect(answer).toContain(`"code":"${code}"`);
    });

    it('takes a request line and headers of nearly 32 KiB', async () => {
      const rest = 'GET /things HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: \r\n\r\n';
      const filled = rest.replace('X: ', `X: ${'a'.repeat(MAX_HEAD_BYTES - rest.length - 1)}`);
      expect(await rawCall(port, filled)).toContain('HTTP/1.1 200 ');
    });
  });
});

it('ends at once though a client has a connection open that it has sent nothing on', async () => {
  const app = await NestFactory.create<NestFastifyApplication>(ThingModule, createHttpAdapter(settings), {
    logger: false,
  });
  await app.listen(0, '127.0.0.1');
  const accepted = once(app.getHttpServer(), 'connection');
  const socket = connect((app.getHttpServer().address() as AddressInfo).port, '127.0.0.1');
  const closed = once(socket, 'close');
  await accepted;
  // Not before the request's time is over (30 s), if the connection counts as one with a request under way.
  await app.close();
  await closed;
});
