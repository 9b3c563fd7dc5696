import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readSettings } from '@coordination/config';
import { Databases } from '@coordination/database';
import { configureHttp, createHttpAdapter, serveApiDocs } from '@coordination/http';
import { createLogger } from '@coordination/observability';
import { type RouteOptions } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppModule } from '../../../apps/coordination/src/app.module.js';
import { API_DESCRIPTION } from '../../../apps/coordination/src/documentation/api-description.js';
import { GUIDES } from '../../../apps/coordination/src/documentation/guides.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';

let database: TestDatabase;
let app: NestFastifyApplication;
const routes: RouteOptions[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const settings = readSettings({ LOG_LEVEL: 'silent', PCS_SELF_REGISTRATION: 'off', DATABASE_URL: database.url });
  const adapter = createHttpAdapter(settings);
  adapter.getInstance().addHook('onRoute', route => void routes.push(route));
  const module = AppModule.forRoot(settings, { url: database.url, embedded: false }, createLogger(settings));
  app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: false, abortOnError: false });
  configureHttp(app, settings);
  serveApiDocs(app, API_DESCRIPTION, { guides: GUIDES });
  await app.init();
  await adapter.getInstance().ready();
});
afterAll(async () => {
  await app.close();
  await app.get(Databases).close();
  await database.drop();
});

const workOf = (url: string, method: string) =>
  routes.find(route => route.url === url && [route.method].flat().includes(method))?.config?.work;

it('every route has a class of work', () => {
  expect(
    routes.filter(({ config }) => config?.work === undefined).map(({ method, url }) => `${String(method)} ${url}`),
  ).toEqual([]);
  expect(routes.length).toBeGreaterThan(40);
});

it.each([
  ['PUT', '/api/v1/registry/instances/:id/heartbeat', 'liveness'],
  ['POST', '/api/v1/registry/heartbeats', 'liveness'],
  ['GET', '/health', 'liveness'],
  ['GET', '/health/ready', 'liveness'],
  ['GET', '/metrics', 'liveness'],
  ['POST', '/api/v1/registry/instances/batch', 'write'],
  ['GET', '/api/v1/discovery/services/:service/instances', 'hot'],
  ['GET', '/docs/guides/*', 'hot'],
  ['GET', '/openapi.yaml', 'hot'],
  ['GET', '/api/v1/audit/events', 'heavy'],
  ['GET', '/api/v1/discovery/diff', 'heavy'],
  ['GET', '/api/v1/audit/export', 'long'],
  ['HEAD', '/api/v1/audit/verify', 'long'],
])('%s %s is %s', (method, url, work) => {
  expect(workOf(url, method)).toBe(work);
});
