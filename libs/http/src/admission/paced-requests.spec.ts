import { type AddressInfo } from 'node:net';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ContextModule } from '@coordination/context';
import { Scheduler } from '@coordination/scheduling';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configureHttp, createHttpAdapter, Endpoint } from '../index.js';
import { PacedRequests } from './paced-requests.js';

@Controller()
class BurstController {
  @Endpoint({ work: 'hot', comesInBursts: true, summary: 'Open', operationId: 'open', status: 200 })
  @Get('bursts')
  open() {
    return { opened: true };
  }

  @Endpoint({ work: 'heavy', summary: 'Search', operationId: 'search', status: 200 })
  @Get('searches')
  search() {
    return { found: true };
  }

  /** It works in a microtask, as a handler behind pipes of Nest does, for longer than two slices. */
  @Endpoint({ work: 'heavy', summary: 'Search slowly', operationId: 'searchSlowly', status: 200 })
  @Get('slow-searches')
  async searchSlowly() {
    await Promise.resolve();
    const until = performance.now() + 10;
    while (performance.now() < until);
    return { found: true };
  }

  @Endpoint({ work: 'long', summary: 'Export', operationId: 'export', status: 200 })
  @Get('exports')
  export() {
    return { exported: true };
  }

  @Endpoint({ work: 'hot', summary: 'Read', operationId: 'read', status: 200 })
  @Get('reads')
  read() {
    return { known: true };
  }

  @Endpoint({ work: 'liveness', summary: 'Beat', operationId: 'beat', status: 200 })
  @Get('beats')
  beat() {
    return { alive: true };
  }
}

@Module({ imports: [ContextModule], controllers: [BurstController], providers: [Scheduler, PacedRequests] })
class BurstModule {}

describe('requests that come in bursts', () => {
  let app: NestFastifyApplication;
  let scheduler: Scheduler;
  let url: string;

  beforeAll(async () => {
    const settings = {
      HOST: '127.0.0.1',
      PCS_ALLOWED_HOSTS: [],
      PCS_TRUSTED_PROXIES: [],
      PCS_KEEP_ALIVE_SECONDS: 75,
      PCS_CORS_ORIGINS: [],
    };
    app = await NestFactory.create<NestFastifyApplication>(BurstModule, createHttpAdapter(settings), { logger: false });
    configureHttp(app, settings);
    await app.listen(0, '127.0.0.1');
    scheduler = app.get(Scheduler);
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  });
  afterAll(() => app.close());

  const statusesOf = async (path: string, count: number) => {
    const asked = Array.from({ length: count }, async () => {
      const response = await fetch(`${url}${path}`);
      return [response.status, await response.json()];
    });
    return await Promise.all(asked);
  };

  it('begin in slices of the scheduler, and all of them are answered', async () => {
    expect(await statusesOf('/bursts', 200)).toEqual(Array.from({ length: 200 }, () => [200, { opened: true }]));
    expect(scheduler.use('hot').pieces).toBe(200);
  });

  it('are those of heavy and long work, too', async () => {
    expect(await statusesOf('/searches', 20)).toEqual(Array.from({ length: 20 }, () => [200, { found: true }]));
    expect(await statusesOf('/exports', 10)).toEqual(Array.from({ length: 10 }, () => [200, { exported: true }]));
    expect(scheduler.use('heavy').pieces).toBe(20);
    expect(scheduler.use('long').pieces).toBe(10);
  });

  it('are no others: those never wait for a slice', async () => {
    const before = scheduler.use('hot').pieces;
    await statusesOf('/beats', 20);
    await statusesOf('/reads', 20);
    expect(scheduler.use('liveness').pieces).toBe(0);
    expect(scheduler.use('hot').pieces).toBe(before);
  });

  it('take turns: what the handlers of many do before they first wait never fills one slice', async () => {
    const turns = scheduler.use('heavy').pieces;
    const overlong = scheduler.use('heavy').overlong;
    await statusesOf('/slow-searches', 10);
    expect(scheduler.use('heavy').pieces - turns).toBe(10);
    expect(scheduler.use('heavy').overlong - overlong, 'each was charged with its own work in microtasks').toBe(10);
  });
});
