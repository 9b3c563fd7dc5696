import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { configureHttp, createHttpAdapter, Endpoint } from '../index.js';
import { type Problem } from '../problems/problem.js';

@Controller('things')
class ThingController {
  @Get()
  @Endpoint({ work: 'hot', summary: 'List', operationId: 'listThings', status: 200 })
  list() {
    return {};
  }
}

@Module({ controllers: [ThingController] })
class ThingModule {}

const LISTED = 'https://ui.example';
const STRANGER = 'https://elsewhere.example';

let app: NestFastifyApplication;
afterEach(() => app.close());

async function start(...origins: string[]): Promise<void> {
  const settings = {
    PCS_TRUSTED_PROXIES: [],
    PCS_KEEP_ALIVE_SECONDS: 75,
    PCS_CORS_ORIGINS: origins,
    HOST: '127.0.0.1',
    PCS_ALLOWED_HOSTS: [],
  };
  app = await NestFactory.create<NestFastifyApplication>(ThingModule, createHttpAdapter(settings), { logger: false });
  configureHttp(app, settings);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
}

const preflight = (url: string, headers: Record<string, string>) =>
  app.inject({ method: 'OPTIONS', url, headers: { 'access-control-request-method': 'PATCH', ...headers } });

describe('A preflight', () => {
  it.each(['/things', '/things/7', '/nowhere'])('is told that CORS is off, and the setting (%s)', async url => {
    await start();
    const answer = await preflight(url, { origin: STRANGER });
    expect(answer.statusCode).toBe(403);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['x-request-id']).toBeDefined();
    const { code, detail } = answer.json<Problem>();
    expect(code).toBe('CORS_REFUSED');
    expect(detail).toMatch(/CORS is off.*PCS_CORS_ORIGINS/);
    expect(detail).toContain(STRANGER);
    expect(Object.keys(answer.headers).filter(name => name.startsWith('access-control-'))).toEqual([]);
  });

  it.each([STRANGER, 'http://ui.example', 'https://ui.example:8443', 'null'])(
    'of an origin that is not listed is told so, and allowed nothing (%s)',
    async origin => {
      await start(LISTED);
      const answer = await preflight('/things', { origin });
      expect(answer.statusCode).toBe(403);
      expect(answer.json<Problem>().detail).toContain(`${origin}: it is not one of PCS_CORS_ORIGINS`);
      expect(Object.keys(answer.headers).filter(name => name.startsWith('access-control-'))).toEqual([]);
    },
  );

  it('of an origin that is listed is allowed', async () => {
    await start('https://other.example', LISTED);
    const answer = await preflight('/things', { origin: LISTED });
    expect(answer.statusCode).toBe(204);
    expect(answer.headers['access-control-allow-origin']).toBe(LISTED);
  });

  it('repeats of an origin no more than can be read, and nothing that cannot be seen', async () => {
    await start();
    const { detail } = (await preflight('/things', { origin: `https://\u009b${'x'.repeat(5_000)}` })).json<Problem>();
    expect(detail.length).toBeLessThan(400);
    expect(detail).toContain('\\u009b');
  });

  it('without an origin is none, but a method that is not taken', async () => {
    for (const origins of [[], [LISTED]]) {
      await start(...origins);
      const answer = await preflight('/things', {});
      expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
      await app.close();
    }
  });
});

describe('Any other request of an origin that may not call', () => {
  it('is answered, and not shown by the browser', async () => {
    for (const origins of [[], [LISTED]]) {
      await start(...origins);
      const answer = await app.inject({ url: '/things', headers: { origin: STRANGER } });
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      await app.close();
    }
  });
});
