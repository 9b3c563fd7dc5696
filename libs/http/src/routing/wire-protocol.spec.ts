import { type AddressInfo } from 'node:net';
import { Body, Controller, Get, Header, HttpCode, Module, Param, Post, Put, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type CallOrigin, ContextModule, RequestContext } from '@coordination/context';
import {
  ERROR_CODES,
  type ErrorCode,
  InstanceNotFoundError,
  StoreUnavailableError,
  ValidationFailedError,
  VersionMismatchError,
} from '@coordination/kernel';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sendRaw } from '../../../../test/support/http/raw-http.js';
import {
  ANY_MEDIA_TYPE,
  configureHttp,
  createHttpAdapter,
  Endpoint,
  parseJsonBody,
  UseProtocol,
  type WireProtocol,
} from '../index.js';

/** Text and XML bodies, errors in XML, and queries with unknown parameters. */
const EUREKA: WireProtocol = {
  source: 'eureka',
  prefix: '/eureka',
  isLenient: true,
  bodyParsers: { 'application/xml': xmlBody, 'application/x-www-form-urlencoded': formBody },
  formatError: ({ code, message }, { requestId, path }) => ({
    status: ERROR_CODES[code].status,
    contentType: 'application/xml',
    headers: { 'x-eureka-path': path },
    body: `<error code="${code}" id="${requestId}">${message}</error>`,
  }),
};

/** JSON of any content type, and errors as plain text, all with one status. */
const CONSUL: WireProtocol = {
  source: 'consul',
  prefix: '/v1',
  isLenient: true,
  bodyParsers: { [ANY_MEDIA_TYPE]: parseJsonBody },
  formatError: ({ code, message }) => ({
    status: code === 'ROUTE_NOT_FOUND' ? 404 : 500,
    contentType: 'text/plain; charset=utf-8',
    body: message,
  }),
};

function xmlBody(bytes: Buffer): unknown {
  const id = /^<instance id="([\w-]+)"\/>$/.exec(bytes.toString())?.[1];
  if (id === undefined) throw ValidationFailedError.at('', 'is not the XML of an instance');
  return { id };
}

function formBody(bytes: Buffer): unknown {
  return Object.fromEntries(new URLSearchParams(bytes.toString()));
}

let origin: CallOrigin | undefined;

const LIMIT = 1_000;
const Registration = z.object({ id: z.string() });
const StatusQuery = z.object({ value: z.enum(['UP', 'DOWN']) });

@UseProtocol(EUREKA)
@Controller('eureka')
class EurekaController {
  readonly kind = 'eureka';

  constructor(private readonly context: RequestContext) {}

  @Post('apps/:app')
  @HttpCode(204)
  register(@Body({ schema: Registration }) body: z.infer<typeof Registration>): void {
    origin = { ...this.context.origin(), reason: body.id };
  }

  @Put('apps/:app/:id/status')
  @Header('content-type', 'application/xml')
  setStatus(@Param('id') id: string, @Query({ schema: StatusQuery }) { value }: z.infer<typeof StatusQuery>): string {
    if (id === 'gone') throw new InstanceNotFoundError(id);
    if (id === 'stale') throw new VersionMismatchError(8);
    if (id === 'away') throw new StoreUnavailableError();
    if (id === 'bug') throw new TypeError('select secret');
    return `<status id="${id}">${value}</status>`;
  }
}

@UseProtocol(CONSUL)
@Controller('v1/agent')
class ConsulController {
  @Put('service/register')
  @Endpoint({ work: 'write', summary: 'Register', operationId: 'register', status: 200, bodyLimitBytes: LIMIT })
  register(@Body({ schema: Registration }) { id }: z.infer<typeof Registration>) {
    return { registered: id };
  }

  @Get('services')
  @Endpoint({ work: 'hot', summary: 'List', operationId: 'services', status: 200 })
  list() {
    return [];
  }

  @Put('leave')
  @Endpoint({ work: 'write', summary: 'Leave', operationId: 'leave', status: 200 })
  leave() {
    return 'left';
  }
}

@Controller('native')
class NativeController {
  constructor(private readonly context: RequestContext) {}

  @Post()
  @Endpoint({ work: 'write', summary: 'Make', operationId: 'make', status: 201 })
  make(@Body({ schema: Registration }) _body: z.infer<typeof Registration>) {
    return this.context.origin();
  }

  @Get()
  @Endpoint({ work: 'hot', summary: 'List', operationId: 'list', status: 200 })
  list() {
    return [];
  }
}

@Module({ imports: [ContextModule], controllers: [EurekaController, ConsulController, NativeController] })
class TestModule {}

const settings = {
  HOST: '127.0.0.1',
  PCS_ALLOWED_HOSTS: [],
  PCS_TRUSTED_PROXIES: [],
  PCS_KEEP_ALIVE_SECONDS: 75,
  PCS_CORS_ORIGINS: ['https://ui.example'],
};

let app: NestFastifyApplication;

beforeAll(async () => {
  app = await NestFactory.create<NestFastifyApplication>(TestModule, createHttpAdapter(settings), { logger: false });
  configureHttp(app, settings);
  await app.listen(0, '127.0.0.1');
});
afterAll(() => app.close());
beforeEach(() => {
  origin = undefined;
});

const url = () => `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;

async function call(method: string, path: string, body?: string, contentType?: string) {
  const response = await fetch(url() + path, {
    method,
    ...(body !== undefined && { body: Buffer.from(body) }),
    headers: { 'x-request-id': 'r-1', ...(contentType !== undefined && { 'content-type': contentType }) },
  });
  const { status, headers } = response;
  return { status, headers, type: headers.get('content-type'), text: await response.text() };
}

const XML = 'application/xml';

describe('A protocol with text bodies', () => {
  it.each([
    ['XML', XML, '<instance id="orders-1"/>'],
    ['a form', 'application/x-www-form-urlencoded; charset=utf-8', 'id=orders-1'],
  ])('reads %s by a parser of its own, and is the source of the call', async (_what, type, body) => {
    await expect(call('POST', '/eureka/apps/ORDERS', body, type)).resolves.toMatchObject({ status: 204, text: '' });
    expect(origin).toMatchObject({ source: 'eureka', requestId: 'r-1', reason: 'orders-1' });
  });

  it('ignores unknown query parameters, and answers with a content type of its own', async () => {
    const answer = await call('PUT', '/eureka/apps/ORDERS/orders-1/status?value=UP&lastDirtyTimestamp=1');
    expect(answer).toMatchObject({ status: 200, type: XML, text: '<status id="orders-1">UP</status>' });
  });

  it.each<[number, ErrorCode, string, string, string?, string?]>([
    [400, 'VALIDATION_FAILED', 'POST', '/eureka/apps/ORDERS', '<instance', XML],
    [400, 'MALFORMED_JSON', 'POST', '/eureka/apps/ORDERS', undefined, undefined],
    [400, 'VALIDATION_FAILED', 'PUT', '/eureka/apps/ORDERS/orders-1/status?value=OUT'],
    [400, 'VALIDATION_FAILED', 'PUT', '/eureka/apps/ORDERS/%FF/status?value=UP'],
    [404, 'INSTANCE_NOT_FOUND', 'PUT', '/eureka/apps/ORDERS/gone/status?value=UP'],
    [404, 'ROUTE_NOT_FOUND', 'GET', '/eureka'],
    [404, 'ROUTE_NOT_FOUND', 'GET', '/eureka/nothing/here?x=1'],
    [404, 'ROUTE_NOT_FOUND', 'OPTIONS', '/eureka/nothing'],
    [405, 'METHOD_NOT_ALLOWED', 'GET', '/eureka/apps/ORDERS'],
    [412, 'VERSION_MISMATCH', 'PUT', '/eureka/apps/ORDERS/stale/status?value=UP'],
    [413, 'PAYLOAD_TOO_LARGE', 'POST', '/eureka/apps/ORDERS', `<instance id="${'x'.repeat(70_000)}"/>`, XML],
    [415, 'UNSUPPORTED_MEDIA_TYPE', 'POST', '/eureka/apps/ORDERS', '{"id":"orders-1"}', 'application/json'],
    [415, 'UNSUPPORTED_MEDIA_TYPE', 'POST', '/eureka/apps/ORDERS', 'id: orders-1', 'application/yaml'],
    [500, 'INTERNAL_ERROR', 'PUT', '/eureka/apps/ORDERS/bug/status?value=UP'],
    [503, 'STORE_UNAVAILABLE', 'PUT', '/eureka/apps/ORDERS/away/status?value=UP'],
  ])('answers %i %s in its own format: %s %s', async (status, code, method, path, body, type) => {
    const answer = await call(method, path, body, type);
    expect(answer).toMatchObject({ status, type: XML });
    expect(answer.text).toMatch(new RegExp(`^<error code="${code}" id="r-1">[^<]+</error>$`));
    expect(answer.text).not.toContain('secret');
    expect(answer.headers.get('x-request-id')).toBe('r-1');
    expect(answer.headers.get('x-eureka-path')).toBe(path.split('?')[0]);
  });

  it('keeps the headers that HTTP asks for with an error', async () => {
    const away = await call('PUT', '/eureka/apps/ORDERS/away/status?value=UP');
    expect(away.headers.get('retry-after')).toBe('1');
    const notAllowed = await call('GET', '/eureka/apps/ORDERS');
    expect(notAllowed.headers.get('allow')).toBe('POST');
    const stale = await call('PUT', '/eureka/apps/ORDERS/stale/status?value=UP');
    expect(stale.headers.get('etag')).toBeNull();
  });
});

describe('A protocol with JSON bodies of any content type', () => {
  it.each([
    undefined,
    'application/json',
    'application/merge-patch+json',
    'text/plain',
    'application/x-www-form-urlencoded',
  ])('reads one of %s', async type => {
    const answer = await call('PUT', '/v1/agent/service/register?token=1', '{"id":"a","Extra":1}', type);
    expect(answer).toMatchObject({ status: 200, type: 'application/json; charset=utf-8', text: '{"registered":"a"}' });
  });

  it('ignores queries and bodies that an operation does not take', async () => {
    await expect(call('GET', '/v1/agent/services?dc=1&stale')).resolves.toMatchObject({ status: 200, text: '[]' });
    await expect(call('PUT', '/v1/agent/leave?dc=1', '{}')).resolves.toMatchObject({ status: 200, text: 'left' });
    await expect(call('PUT', '/v1/agent/leave')).resolves.toMatchObject({ status: 200, text: 'left' });
  });

  it('maps statuses as it likes', async () => {
    const bad = await call('PUT', '/v1/agent/service/register', '{"id":', 'text/plain');
    expect(bad).toMatchObject({ status: 500, type: 'text/plain; charset=utf-8' });
    expect(bad.text).toMatch(/^The body is not JSON/);
    await expect(call('GET', '/v1/unknown')).resolves.toMatchObject({
      status: 404,
      type: 'text/plain; charset=utf-8',
      text: expect.stringContaining('Nothing is served at GET /v1/unknown') as string,
    });
  });

  it('reads one whose type is the name of a method of all objects', async () => {
    const body = '{"id":"a"}';
    const answer = await sendRaw(
      url(),
      'PUT /v1/agent/service/register HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: constructor\r\n' +
        `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
    expect(answer).toContain('{"registered":"a"}');
  });

  it('refuses a body beyond the limit of the route, whether or not its length is known', async () => {
    const large = `{"id":"${'x'.repeat(LIMIT)}"}`;
    const known = await call('PUT', '/v1/agent/service/register', large, 'text/plain');
    expect(known.text).toContain(`larger than the ${LIMIT} bytes`);
    const chunk = `${Buffer.byteLength(large).toString(16)}\r\n${large}\r\n0\r\n\r\n`;
    const chunked = await sendRaw(
      url(),
      `PUT /v1/agent/service/register HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`,
    );
    expect(chunked).toContain(`larger than the ${LIMIT} bytes`);
  });

  it('is not asked for the body by a client that waits, when the head is reason enough to refuse it', async () => {
    const refused = await sendRaw(
      url(),
      'PUT /v1/agent/service/register HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nConnection: close\r\n' +
        'Content-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n',
    );
    expect(refused).toMatch(/^HTTP\/1.1 500 /);
    expect(refused).toContain('encoded as gzip');
  });
});

describe('The native API beside them', () => {
  it('keeps its source and its strictness', async () => {
    const made = await call('POST', '/native', '{"id":"a"}', 'application/json');
    expect(JSON.parse(made.text)).toMatchObject({ source: 'api' });
    for (const [method, path, body, type, status, code] of [
      ['GET', '/native?x=1', undefined, undefined, 400, 'VALIDATION_FAILED'],
      ['POST', '/native', '<instance id="a"/>', XML, 415, 'UNSUPPORTED_MEDIA_TYPE'],
      ['POST', '/native', '{"id":"a"}', 'text/plain', 415, 'UNSUPPORTED_MEDIA_TYPE'],
      ['GET', '/eurekas', undefined, undefined, 404, 'ROUTE_NOT_FOUND'],
      ['GET', '/', undefined, undefined, 404, 'ROUTE_NOT_FOUND'],
    ] as const) {
      const refused = await call(method, path, body, type);
      expect(refused).toMatchObject({ status, type: 'application/problem+json' });
      expect(JSON.parse(refused.text)).toMatchObject({ code });
    }
  });

  it('answers what is no request', async () => {
    const answer = await sendRaw(url(), 'GET /eureka/apps HTTP/9.9\r\n\r\n');
    expect(answer).toContain('application/problem+json');
  });
});
