import { Global, Module } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ConfigModule, readSettings } from '@coordination/config';
import { SchemaGate, StoreProbe } from '@coordination/database';
import { type SchemaObstacle, type StoreState } from '@coordination/database/testing';
import { configureHttp, createHttpAdapter, ServerConnections } from '@coordination/http';
import { BackgroundTasks, Metrics } from '@coordination/observability';
import { Scheduler, MemoryBudget, type StallOverview, StallWatch, WorkPlaces } from '@coordination/scheduling';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestClock } from '../../../test/support/nodes/background-tasks.js';
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

class Sweeps {
  sweptSecondsAgo: number | undefined = 0.7;
}

const BACKLOG = {
  owned: 3,
  inFlight: 1,
  waiting: 1,
  lateSeconds: 4,
  overdue: 1,
  notCounted: [{ reason: 'dns', count: 2 }],
};

class Backlog {
  queue() {
    return BACKLOG;
  }
}

class Node {
  nodeId: string | undefined = 'node-a';
  othersOfSameId: object[] = [];
  complaint: string | undefined;
}

class Log {
  revisions: number | undefined;
  isNearlyFull = false;
}

class Writer {
  queueLength = 3;
}

class Memory {
  state = { budgetBytes: 5 };
  complaint: string | undefined;
}

/** The parts of the database that probes look at, without a database. */
class Database {
  isOpen = true;
  obstacle: Partial<SchemaObstacle> | undefined;
  state: StoreState = { isUsable: true, lastError: undefined };
  look() {
    return Promise.resolve(this.state);
  }
}

/** A node that was stopped for a while is as ready as any. */
const STALLS: StallOverview = { count: 1, seconds: 20.1, last: { seconds: 20.1, endedAt: '2026-11-23T07:58:22.310Z' } };

describe('the probes', () => {
  let app: NestFastifyApplication;
  let view: View;
  let database: Database;
  let guards: Guards;
  let log: Log;
  let sweeps: Sweeps;
  let node: Node;
  let memory: Memory;
  let clock: TestClock;
  let tasks: BackgroundTasks;

  beforeEach(async () => {
    view = new View();
    database = new Database();
    guards = new Guards();
    log = new Log();
    sweeps = new Sweeps();
    node = new Node();
    memory = new Memory();
    clock = new TestClock();
    tasks = new BackgroundTasks(clock, { warn: () => undefined, log: () => undefined });
    const adapter = createHttpAdapter({
      HOST: '127.0.0.1',
      PCS_ALLOWED_HOSTS: [],
      PCS_TRUSTED_PROXIES: [],
      PCS_KEEP_ALIVE_SECONDS: 75,
      PCS_CONNECTIONS_MAX: 10,
    });
    const providers = [
      { provide: ServerConnections, useValue: adapter.connections },
      { provide: View, useValue: view },
      { provide: Writer, useValue: new Writer() },
      { provide: Guards, useValue: guards },
      { provide: Log, useValue: log },
      { provide: Sweeps, useValue: sweeps },
      { provide: Node, useValue: node },
      { provide: Backlog, useValue: new Backlog() },
      { provide: BackgroundTasks, useValue: tasks },
      { provide: Metrics, useValue: new Metrics() },
      { provide: Scheduler, useValue: new Scheduler() },
      { provide: WorkPlaces, useValue: new WorkPlaces() },
      { provide: StoreProbe, useValue: database },
      { provide: SchemaGate, useValue: database },
      { provide: StallWatch, useValue: { overview: () => STALLS } },
      { provide: MemoryBudget, useValue: memory },
    ];
    @Global()
    @Module({
      providers,
      exports: providers.map(({ provide }) => provide),
    })
    class PartsModule {}
    const module = await Test.createTestingModule({
      imports: [
        PartsModule,
        ConfigModule.forRoot(readSettings({ DATABASE_URL: 'postgres://nowhere.invalid/health' })),
        HealthModule.forRoot({
          version: '1.2.3',
          view: View,
          writer: Writer,
          log: Log,
          guards: Guards,
          sweeps: Sweeps,
          probes: Backlog,
          node: Node,
        }),
      ],
    }).compile();
    app = module.createNestApplication<NestFastifyApplication>(adapter, { logger: false });
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
    expect((await probe('/health')).body.details['liveness']).toEqual({
      status: 'up',
      state: 'normal',
      guards: [],
      lastSweepSecondsAgo: 1,
      probes: BACKLOG,
    });
    guards.active = [{ reason: 'total-share' }];
    const { status, body } = await probe('/health');
    expect({ status, told: body.status }).toEqual({ status: 200, told: 'ok' });
    expect(body.details['liveness']).toEqual({
      status: 'up',
      state: 'degraded',
      guards: guards.active,
      lastSweepSecondsAgo: 1,
      probes: BACKLOG,
    });
  });

  it('tell that another live node uses the ID of this one, and keep both ready', async () => {
    expect((await probe('/health')).body.details['node']).toEqual({
      status: 'up',
      nodeId: 'node-a',
      sharedWith: [],
      stalls: STALLS,
    });
    node.othersOfSameId = [{ instanceId: 'node-a@1f2e3d4c', host: '10.0.0.2', port: 8081 }];
    node.complaint = 'The node ID node-a is used by 2 live nodes.';
    const { status, body } = await probe('/health');
    expect({ status, told: body.status }).toEqual({ status: 200, told: 'degraded' });
    expect(body.details['node']).toEqual({
      status: 'degraded',
      nodeId: 'node-a',
      sharedWith: node.othersOfSameId,
      stalls: STALLS,
      message: node.complaint,
    });
    expect((await probe('/health/ready')).status).toBe(200);
    node = Object.assign(node, { nodeId: undefined, othersOfSameId: [], complaint: undefined });
    expect((await probe('/health')).body.details['node']).toMatchObject({ status: 'up', nodeId: null });
  });

  it('tell that no node ends leases, and keep the node ready', async () => {
    sweeps.sweptSecondsAgo = undefined;
    expect((await probe('/health')).body.details['liveness']).toMatchObject({ lastSweepSecondsAgo: null });
    sweeps.sweptSecondsAgo = 30;
    expect((await probe('/health')).body.details['liveness']).toMatchObject({ status: 'up', state: 'normal' });
    sweeps.sweptSecondsAgo = 31;
    expect(await probe('/health')).toMatchObject({
      status: 200,
      body: {
        status: 'degraded',
        details: {
          liveness: {
            status: 'degraded',
            state: 'degraded',
            lastSweepSecondsAgo: 31,
            message: expect.stringContaining('No node has ended leases for 31 s') as string,
          },
        },
      },
    });
    expect((await probe('/health/ready')).body.status).toBe('ok');
  });

  it('is degraded, and stays ready, while the memory does not suffice', async () => {
    expect((await probe('/health')).body.details['memory']).toEqual({ status: 'up', budgetBytes: 5 });
    memory.complaint = 'The catalog is too large.';
    const { status, body } = await probe('/health');
    expect({ status, told: body.status }).toEqual({ status: 200, told: 'degraded' });
    expect(body.details['memory']).toEqual({ status: 'degraded', budgetBytes: 5, message: memory.complaint });
    expect((await probe('/health/ready')).status).toBe(200);
  });

  it('name the background tasks that fail again and again, and keep the node ready', async () => {
    expect((await probe('/health')).body.details['tasks']).toEqual({ status: 'up', failing: [] });
    const task = tasks.task('lease-sweep');
    const denied = Object.assign(new Error('permission denied for table liveness_guard'), { code: '42501' });
    task.succeeded();
    clock.pass(1_000);
    task.failed(denied);
    expect((await probe('/health')).body.details['tasks'], 'once may be a chance').toMatchObject({ status: 'up' });
    clock.pass(1_000);
    task.failed(denied);
    const { status, body } = await probe('/health');
    expect({ status, told: body.status }).toEqual({ status: 200, told: 'degraded' });
    expect(body.details['tasks']).toEqual({
      status: 'degraded',
      failing: [
        {
          task: 'lease-sweep',
          effect: expect.stringContaining('do not end') as string,
          since: '2026-11-23T08:00:01.000Z',
          failuresInARow: 2,
          lastError: 'permission denied for table liveness_guard',
          sqlState: '42501',
          lastSuccessAt: '2026-11-23T08:00:00.000Z',
        },
      ],
      message: expect.stringContaining('lease-sweep') as string,
    });
    expect(await probe('/health/ready')).toMatchObject({ status: 200, body: { status: 'ok' } });
    task.succeeded();
    expect(await probe('/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
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
      body: { details: { migrations: { status: 'down' }, privileges: { status: 'down' } } },
    });
  });

  it.each([
    ['migrations', 'privileges', 'down'],
    ['privileges', 'migrations', 'up'],
  ] as const)('name the %s that the database lacks', async (lacks, other, status) => {
    Object.assign(database, { isOpen: false, obstacle: { lacks, missing: ['this', 'that'] } });
    for (const path of ['/health/startup', '/health']) {
      expect(await probe(path)).toMatchObject({
        status: 503,
        body: {
          status: 'error',
          details: { [lacks]: { status: 'down', missing: ['this', 'that'] }, [other]: { status } },
        },
      });
    }
  });

  it('keep a node ready while the database is away and the view is fresh enough, and say so to people', async () => {
    const lastError = { code: '28P01', message: 'The server refuses the log-in.', at: '2026-01-01T00:00:00.000Z' };
    database.state = { isUsable: false, lastError };
    expect((await probe('/health/ready')).status).toBe(200);
    expect(await probe('/health')).toMatchObject({
      status: 200,
      body: { status: 'degraded', details: { database: { status: 'degraded', lastError } } },
    });
  });

  it('tell what the database refused a moment ago when it is well again', async () => {
    const lastError = { code: '57014', message: 'A statement took too long.', at: '2026-01-01T00:00:00.000Z' };
    database.state = { isUsable: true, lastError };
    expect(await probe('/health')).toMatchObject({
      body: { status: 'ok', details: { database: { status: 'up', lastError } } },
    });
  });

  it('list every part by name', async () => {
    expect((await probe('/health')).body.details).toMatchObject({
      database: { status: 'up' },
      migrations: { status: 'up' },
      privileges: { status: 'up' },
      view: { status: 'up', revision: 42, epoch: 'an epoch', stalenessSeconds: 0.25 },
      writer: { queueLength: 3 },
      connections: { status: 'up', open: expect.any(Number), max: 10, refused: 0 },
      work: { status: 'up', database: { places: 2, taken: 0, waiting: 0, refused: { lineFull: 0, waitedTooLong: 0 } } },
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
