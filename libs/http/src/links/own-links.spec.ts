import { type AddressInfo } from 'node:net';
import { Controller, Get, HttpCode, Logger, Module, Post, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyReply } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sendRaw } from '../../../../test/support/http/raw-http.js';
import { configureHttp, createHttpAdapter, locationOf } from '../index.js';
import { type Problem } from '../problems/problem.js';

@Controller('things')
class ThingsController {
  @Get('broken')
  broken() {
    throw new Error('broken');
  }

  @Post()
  @HttpCode(201)
  make(@Res({ passthrough: true }) reply: FastifyReply) {
    reply.header('Location', locationOf(reply, '/things/17'));
  }

  @Post('named/:name/below')
  @HttpCode(201)
  makeBelow(@Res({ passthrough: true }) reply: FastifyReply) {
    reply.header('Location', locationOf(reply, '/things/17'));
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

const PROXY = '192.0.2.7';
const PUBLIC_URL = 'https://platform.example.com/pcs';

type Method = 'GET' | 'POST' | 'DELETE';

let app: NestFastifyApplication | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await app?.close();
});

async function start(settings: { PCS_TRUSTED_PROXIES?: string[]; PCS_PUBLIC_URL?: string }) {
  const adapter = createHttpAdapter({
    PCS_TRUSTED_PROXIES: [],
    PCS_KEEP_ALIVE_SECONDS: 75,
    HOST: '127.0.0.1',
    PCS_ALLOWED_HOSTS: [],
    ...settings,
  });
  app = await NestFactory.create<NestFastifyApplication>(ThingsModule, adapter, { logger: false });
  configureHttp(app, { PCS_CORS_ORIGINS: ['https://ui.example'] });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  const running = app;
  const call = async (method: Method, url: string, from = PROXY, headers: Record<string, string> = {}) => {
    const answer = await running.inject({ method, url, headers, remoteAddress: from });
    const isProblem = answer.headers['content-type'] === 'application/problem+json';
    return { ...answer.headers, status: answer.statusCode, problem: isProblem ? answer.json<Problem>() : undefined };
  };
  return { running, call };
}

describe('links of a service behind a trusted proxy', () => {
  const trusting = { PCS_TRUSTED_PROXIES: ['192.0.2.0/24'] };
  const prefix = { 'x-forwarded-prefix': '/pcs' };

  it.each([
    ['GET', '/things/broken', 'INTERNAL_ERROR'],
    ['GET', '/nothing?token=x', 'ROUTE_NOT_FOUND'],
    ['DELETE', '/things', 'METHOD_NOT_ALLOWED'],
    ['GET', '/things/%FF', 'VALIDATION_FAILED'],
    ['GET', '/things/%zz', 'VALIDATION_FAILED'],
    ['POST', `/things/named/${'x'.repeat(3_000)}/below`, 'VALIDATION_FAILED'],
  ] as const)('have its prefix in the problem of %s %s', async (method, url, code) => {
    const { call } = await start(trusting);
    const path = url.replace(/\?.*/, '');
    const proxied = await call(method, url, PROXY, prefix);
    expect(proxied.problem).toMatchObject({ type: `/pcs/docs/errors/${code}`, instance: `/pcs${path}` });
    const direct = await call(method, url, PROXY);
    expect(direct.problem).toMatchObject({ type: `/docs/errors/${code}`, instance: path });
    for (const { vary } of [proxied, direct]) expect(vary).toContain('X-Forwarded-Prefix');
  });

  it('tell where the documentation is', async () => {
    const { call } = await start(trusting);
    const detailOf = async (headers: Record<string, string>) =>
      (await call('GET', '/nothing', PROXY, headers)).problem?.detail;
    expect(await detailOf(prefix)).toBe(
      'Nothing is served at GET /pcs/nothing. See /pcs/docs for the routes that exist.',
    );
    expect(await detailOf({})).toBe('Nothing is served at GET /nothing. See /docs for the routes that exist.');
  });

  it('have its prefix in Location', async () => {
    const { call } = await start(trusting);
    expect(await call('POST', '/things', PROXY, prefix)).toMatchObject({ location: '/pcs/things/17' });
    expect(await call('POST', '/things', PROXY)).toMatchObject({ location: '/things/17' });
  });

  it('keep what other headers make answers vary by', async () => {
    const { call } = await start(trusting);
    const { vary } = await call('GET', '/things/broken', PROXY, { ...prefix, origin: 'https://ui.example' });
    expect(String(vary).split(', ').sort()).toEqual(['Origin', 'X-Forwarded-Prefix']);
  });

  it.each([
    ['//evil.example', PROXY],
    ['/pcs/../..', PROXY],
    ['/"><script>', PROXY],
    [`/${'x'.repeat(400)}`, PROXY],
    ['/a, /b', PROXY],
    ['/pcs', '198.51.100.9'],
    ['/pcs', '::1'],
  ])('never have the prefix %j that %s tells', async (made, from) => {
    const { call } = await start(trusting);
    const headers = { 'x-forwarded-prefix': made, 'x-forwarded-for': PROXY };
    const failed = await call('GET', '/nothing', from, headers);
    expect(failed.problem).toMatchObject({ type: '/docs/errors/ROUTE_NOT_FOUND', instance: '/nothing' });
    expect(await call('POST', '/things', from, headers)).toMatchObject({ location: '/things/17' });
  });

  it('tell the operator once of a prefix that cannot be used, without repeating it', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    const { call } = await start(trusting);
    for (const made of ['//evil.example', '/a b']) await call('POST', '/things', PROXY, { 'x-forwarded-prefix': made });
    expect(warn.mock.calls.flat().join()).toMatch(
      /^The X-Forwarded-Prefix of the proxy 192\.0\.2\.7 is ignored[^]*PCS_PUBLIC_URL\.$/,
    );
    expect(warn).toHaveBeenCalledTimes(1);
  });
});

describe('links of a service that trusts no proxy', () => {
  it('do not depend on what requests tell', async () => {
    const { call } = await start({});
    const headers = { 'x-forwarded-prefix': '/pcs', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    const { problem, vary } = await call('GET', '/nothing', PROXY, headers);
    expect(problem).toMatchObject({ type: '/docs/errors/ROUTE_NOT_FOUND', instance: '/nothing' });
    expect(vary ?? '').not.toContain('X-Forwarded');
    expect(await call('POST', '/things', PROXY, headers)).toMatchObject({ location: '/things/17' });
  });
});

describe('links of a service with PCS_PUBLIC_URL', () => {
  it('begin with it in problems, whoever asks', async () => {
    const { call, running } = await start({ PCS_PUBLIC_URL: PUBLIC_URL, PCS_TRUSTED_PROXIES: ['192.0.2.0/24'] });
    const headers = { 'x-forwarded-prefix': '/other' };
    expect((await call('GET', '/nothing', PROXY, headers)).problem).toMatchObject({
      type: `${PUBLIC_URL}/docs/errors/ROUTE_NOT_FOUND`,
      instance: `${PUBLIC_URL}/nothing`,
      detail: `Nothing is served at GET ${PUBLIC_URL}/nothing. See ${PUBLIC_URL}/docs for the routes that exist.`,
    });
    // What fails before there is a request.
    await running.listen(0, '127.0.0.1');
    const { port } = running.getHttpServer().address() as AddressInfo;
    const answer = await sendRaw(`http://127.0.0.1:${port}`, 'nonsense\r\n\r\n');
    expect(answer).toContain(`"type":"${PUBLIC_URL}/docs/errors/VALIDATION_FAILED"`);
  });

  it.each(['/things', '/things/named/some-name/below', '/things/named/%E2%82%AC/below'])(
    'lead from %s to what was made there, below the prefix and without it',
    async path => {
      const { call } = await start({ PCS_PUBLIC_URL: PUBLIC_URL });
      const { location } = await call('POST', path);
      for (const base of [PUBLIC_URL, 'http://10.0.0.1:8081']) {
        expect(new URL(String(location), `${base}${path}`).href).toBe(`${base}/things/17`);
      }
    },
  );

  it('are as without it where it has no prefix', async () => {
    const { call } = await start({ PCS_PUBLIC_URL: 'https://platform.example.com', PCS_TRUSTED_PROXIES: [PROXY] });
    expect((await call('GET', '/nothing')).problem).toMatchObject({ type: '/docs/errors/ROUTE_NOT_FOUND' });
    expect(await call('POST', '/things')).toMatchObject({ location: '/things/17' });
    const headers = { 'x-forwarded-prefix': '/pcs' };
    expect(await call('POST', '/things', PROXY, headers)).toMatchObject({ location: '/pcs/things/17' });
  });
});
