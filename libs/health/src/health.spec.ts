import { Global, Module } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Databases, SchemaGate } from '@coordination/database';
import { configureHttp, createHttpAdapter } from '@coordination/http';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Drain, HealthModule } from './index.js';

class View {
  current = { loaded: true, revision: 42, epoch: 'an epoch', stalenessSeconds: 0.25, limitSeconds: 600 };
  freshness() {
    return this.current;
  }
}

class Guards {
  active: object[] = [];
  current() {
    return this.active;
  }
}

class Log {
  revisions: number | undefined;
  isNearlyFull = false;
}

class Writer {
  queueLength = 3;
}

/** The parts of the database that probes look at, without a database. */
class Database {
  isOpen = true;
  answers: () => Promise<unknown> = () => Promise.resolve([]);
  em() {
    return { getConnection: () => ({ execute: () => this.answers() }) };
  }
}

describe('the probes', () => {
  let app: NestFastifyApplication;
  let view: View;
  let database: Database;
  let guards: Guards;
  let log: Log;

  beforeEach(async () => {
    view = new View();
    database = new Database();
    guards = new Guards();
    log = new Log();
    const providers = [
      { provide: View, useValue: view },
      { provide: Writer, useValue: new Writer() },
      { provide: Guards, useValue: guards },
      { provide: Log, useValue: log },
      { provide: Databases, useValue: database },
      { provide: SchemaGate, useValue: database },
    ];
    @Global()
    @Module({ providers, exports: [View, Writer, Guards, Log, Databases, SchemaGate] })
    class PartsModule {}
    const module = await Test.createTestingModule({
      imports: [
        PartsModule,
        HealthModule.forRoot({
          settings: { PCS_SHUTDOWN_DRAIN_SECONDS: 0 },
          version: '1.2.3',
          view: View,
          writer: Writer,
          log: Log,
          guards: Guards,
        }),
      ],
    }).compile();
    app = module.createNestApplication<NestFastifyApplication>(
      createHttpAdapter({ PCS_TRUSTED_PROXIES: [], PCS_KEEP_ALIVE_SECONDS: 75 }),
      {
        logger: false,
      },
    );
    configureHttp(app, { PCS_CORS_ORIGINS: [] });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });
  afterEach(() => app.close());

  const probe = async (path: string) => {
    const response = await request(app.getHttpServer()).get(path);
    return { status: response.status, body: response.body as { status: string; details: Record<string, unknown> } };
  };

  it('are all well in a healthy node', async () => {
    for (const path of ['/health/live', '/health/ready', '/health/startup', '/health']) {
      expect(await probe(path)).toMatchObject({ status: 200, body: { status: 'ok' } });
    }
  });

  it('tell of a guard that holds leases, and stay well, since no restart would help', async () => {
    expect((await probe('/health')).body.details['liveness']).toEqual({ status: 'up', state: 'normal', guards: [] });
    guards.active = [{ reason: 'total-share' }];
    const { status, body } = await probe('/health');
    expect({ status, told: body.status }).toEqual({ status: 200, told: 'ok' });
    expect(body.details['liveness']).toEqual({ status: 'up', state: 'degraded', guards: guards.active });
  });

  it('warn of a log that runs out of partitions, and keep the node ready: the others have no more room', async () => {
    Object.assign(log, { revisions: 99_999, isNearlyFull: true });
    for (const path of ['/health/ready', '/health']) {
      expect(await probe(path)).toMatchObject({
        status: 200,
        body: { status: 'degraded', details: { log: { status: 'degraded', roomRevisions: 99_999 } } },
      });
    }
    Object.assign(log, { revisions: 1_000_000, isNearlyFull: false });
    expect(await probe('/health/ready')).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  it('say that a node is not ready before the catalog is loaded, but alive', async () => {
    view.current = { ...view.current, loaded: false, revision: 0 };
    expect(await probe('/health/ready')).toMatchObject({
      status: 503,
      body: { status: 'error', error: { view: { status: 'down' } } },
    });
    expect((await probe('/health/startup')).status).toBe(503);
    expect((await probe('/health/live')).status).toBe(200);
  });

  it('say that a node is not ready when its view is too old, and that it has started nevertheless', async () => {
    view.current = { ...view.current, stalenessSeconds: 601 };
    expect((await probe('/health/ready')).status).toBe(503);
    expect((await probe('/health/startup')).status).toBe(200);
  });

  it('wait for the migrations at startup', async () => {
    database.isOpen = false;
    expect(await probe('/health/startup')).toMatchObject({
      status: 503,
      body: { details: { migrations: { status: 'down' } } },
    });
  });

  it('keep a node ready while the database is away and the view is fresh enough, and say so to people', async () => {
    database.answers = () => Promise.reject(new Error('password authentication failed for user "pcs"'));
    expect((await probe('/health/ready')).status).toBe(200);
    const everything = await probe('/health');
    expect(everything).toMatchObject({
      status: 200,
      body: { status: 'degraded', details: { database: { status: 'degraded' } } },
    });
    expect(JSON.stringify(everything)).not.toContain('password');
  });

  it('do not wait for a database that is silent', async () => {
    database.answers = () => new Promise(() => {});
    expect((await probe('/health')).body).toMatchObject({ details: { database: { status: 'degraded' } } });
  });

  it('list every part by name', async () => {
    expect((await probe('/health')).body.details).toMatchObject({
      database: { status: 'up' },
      migrations: { status: 'up' },
      view: { status: 'up', revision: 42, epoch: 'an epoch', stalenessSeconds: 0.25 },
      writer: { queueLength: 3 },
      process: { version: '1.2.3' },
    });
  });

  it('say that a node is not ready from the moment on which it is told to end, while it still answers', async () => {
    await app.get(Drain).begin('SIGTERM');
    expect(await probe('/health/ready')).toMatchObject({
      status: 503,
      body: { status: 'error', error: { service: { status: 'down' } } },
    });
    expect((await probe('/health/live')).status).toBe(200);
  });

  it('take queries that they do not know, and refuse other methods as the API does', async () => {
    expect((await probe('/health/live?from=kubelet')).status).toBe(200);
    const response = await app.inject({ method: 'POST', url: '/health/ready' });
    expect(response.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
  });
});
