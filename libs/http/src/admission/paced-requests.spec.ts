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

  it('are only those of routes that say so: others never wait for a slice', async () => {
    await statusesOf('/beats', 20);
    expect(scheduler.use('liveness').pieces).toBe(0);
  });
});
