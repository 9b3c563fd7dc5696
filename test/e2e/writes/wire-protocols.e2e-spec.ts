import { Body, Controller, HttpCode, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readSettings } from '@coordination/config';
import { configureHttp, createHttpAdapter, UseProtocol, type WireProtocol } from '@coordination/http';
import { ERROR_CODES, ValidationFailedError } from '@coordination/kernel';
import { createLogger } from '@coordination/observability';
import { instanceOf, registerCommandFrom, RegistryModule, RegistryService } from '@coordination/registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../../../apps/coordination/src/app.module.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { Api } from '../../support/http/api.js';

/** A protocol with JSON bodies, and with errors of its own form. */
const EUREKA: WireProtocol = {
  source: 'eureka',
  prefix: '/eureka',
  isLenient: true,
  formatError: error => ({
    status: ERROR_CODES[error.code].status,
    contentType: 'application/json',
    body: JSON.stringify({
      error: error.code,
      at: error instanceof ValidationFailedError ? error.extras.errors?.map(({ path }) => path) : undefined,
    }),
  }),
};

interface EurekaInstance {
  readonly hostName: string;
  readonly port: number;
  readonly status?: 'UP' | 'STARTING';
  readonly healthCheckPath?: string;
}

const STATES = { UP: 'healthy', STARTING: 'starting' } as const;

/** An adapter, as it could be written for a client of another registry. */
@UseProtocol(EUREKA)
@Controller('eureka/apps')
class EurekaController {
  constructor(private readonly registry: RegistryService) {}

  @Post(':app')
  @HttpCode(200)
  async register(@Param('app') service: string, @Body() { hostName, port, status, healthCheckPath }: EurekaInstance) {
    const command = registerCommandFrom({
      service,
      host: hostName,
      port,
      ...(status && { status: STATES[status] }),
      ...(healthCheckPath !== undefined && { check: { kind: 'http', path: healthCheckPath } }),
    });
    const result = await this.registry.register(command);
    return { id: instanceOf(result).instance.id, outcome: result.results[0]?.outcome };
  }
}

@Module({ imports: [RegistryModule], controllers: [EurekaController] })
class EurekaModule {}

let database: TestDatabase;
let app: NestFastifyApplication;
let api: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  const settings = readSettings({
    PORT: '0',
    LOG_LEVEL: 'silent',
    PCS_MIGRATE_ON_START: 'off',
    PCS_SELF_REGISTRATION: 'off',
    DATABASE_URL: database.url,
  });
  const service = AppModule.forRoot(settings, { url: database.url, embedded: false }, createLogger(settings));
  class ServiceWithAdapter {}
  app = await NestFactory.create<NestFastifyApplication>(
    { module: ServiceWithAdapter, imports: [service, EurekaModule] },
    createHttpAdapter(settings),
    { logger: false, abortOnError: false },
  );
  configureHttp(app, settings);
  await app.listen(settings.PORT, settings.HOST);
  api = new Api(await app.getUrl());
});

afterAll(async () => {
  await app.close();
  await assertCatalogInvariants(database.url);
  await database.drop();
});

describe('A registration through the adapter of another wire protocol', () => {
  it('is in the log with the source of that protocol, and in the catalog like any other', async () => {
    const body = { hostName: '10.0.0.1', port: 8080, status: 'STARTING' };
    const { status, body: answer } = await api.send<{ id: string; outcome: string }>(
      'POST',
      '/eureka/apps/orders',
      body,
    );
    expect([status, answer.outcome]).toEqual([200, 'created']);
    expect(await api.read(answer.id)).toMatchObject({
      namespace: 'default',
      service: 'orders',
      instanceId: '10.0.0.1:8080',
      status: 'starting',
      check: { kind: 'heartbeat', ttlSeconds: 30 },
    });
    const { events } = await assertCatalogInvariants(database.url);
    expect(events).toMatchObject([
      { action: 'instance.registered', source: 'eureka', actor: 'anonymous', instanceUuid: answer.id },
    ]);
  });

  it('that changes nothing renews the lease, without an event', async () => {
    const body = { hostName: '10.0.0.2', port: 8080 };
    const outcomes = [];
    for (let n = 0; n < 2; n++) {
      outcomes.push((await api.send<{ outcome: string }>('POST', '/eureka/apps/orders', body)).body.outcome);
    }
    expect(outcomes).toEqual(['created', 'unchanged']);
  });

  it.each([
    ['invalid fields', { hostName: 'no host!', port: 0 }, ['/host', '/port']],
    ['a probe that the settings do not allow', { hostName: '10.0.0.3', port: 8080, healthCheckPath: '/' }, ['/host']],
    [
      'health that probes decide',
      { hostName: '10.0.0.3', port: 8080, healthCheckPath: '/', status: 'UP' },
      ['/status'],
    ],
  ])('is refused in the form of that protocol because of %s', async (_, body, at) => {
    const answer = await api.send<unknown>('POST', '/eureka/apps/orders', body);
    expect([answer.status, answer.body]).toEqual([400, { error: 'VALIDATION_FAILED', at }]);
  });
});
