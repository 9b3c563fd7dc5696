import { Writable } from 'node:stream';
import { Controller, Get, Logger, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ContextModule } from '@coordination/context';
import { configureHttp, createHttpAdapter } from '@coordination/http';
import { StoreUnavailableError } from '@coordination/kernel';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger, Metrics, NestLogger, ObservabilityModule } from '@coordination/observability';
import { SchedulingModule } from '@coordination/scheduling';
import { RequestObserver } from '@coordination/observability/testing';
import { eventually } from '../../../test/support/time/eventually.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsText } from './metrics-text.js';

const settings = {
  HOST: '127.0.0.1',
  PCS_ALLOWED_HOSTS: [],
  PCS_TRUSTED_PROXIES: [],
  PCS_KEEP_ALIVE_SECONDS: 75,
  PCS_CORS_ORIGINS: [],
};

@Controller()
class GreetingController {
  private readonly logger = new Logger('Greeting');

  @Get('greetings/:name')
  greet(@Param('name') name: string) {
    if (name === 'broken') throw new Error('out of words');
    if (name === 'away') {
      const cause = Object.assign(new Error('select secret from metadata - canceling statement'), { code: '57014' });
      throw new StoreUnavailableError({ cause });
    }
    this.logger.log('greeting somebody');
    return { hello: name };
  }

  @Get('health/live')
  live() {
    return {};
  }
}

const writable = (take: (text: string) => unknown) =>
  new Writable({
    write(chunk, _encoding, done) {
      take(String(chunk));
      done();
    },
  });

describe('observability', () => {
  const lines: Record<string, unknown>[] = [];
  let app: NestFastifyApplication;

  beforeAll(async () => {
    const logger = createLogger(
      { LOG_LEVEL: 'debug', LOG_FORMAT: 'json' },
      writable(line => lines.push(JSON.parse(line) as Record<string, unknown>)),
    );
    @Module({
      imports: [ContextModule, ObservabilityModule.forRoot(logger), SchedulingModule],
      controllers: [GreetingController, MetricsController],
      providers: [MetricsText],
    })
    class TestModule {}
    app = await NestFactory.create<NestFastifyApplication>(TestModule, createHttpAdapter(settings), {
      logger: new NestLogger(logger),
    });
    configureHttp(app, settings);
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });
  afterAll(() => app.close());
  beforeEach(() => {
    lines.length = 0;
  });

  const lineOf = (context: string) =>
    eventually(() => lines.find(line => line['context'] === context) ?? expect.fail());

  it('puts the request on every line that is written while it is served', async () => {
    await app.inject({ url: '/greetings/anna', headers: { 'x-request-id': 'r-1' } });
    expect(await lineOf('Greeting')).toMatchObject({
      level: 'info',
      msg: 'greeting somebody',
      requestId: 'r-1',
      actor: 'anonymous',
      clientAddress: '127.0.0.1',
      source: 'api',
    });
  });

  it('writes one line for each request, without what the caller sent', async () => {
    await app.inject({ url: '/greetings/secret-name?token=secret', headers: { 'x-request-id': 'r-2' } });
    const line = await lineOf('Http');
    expect(line).toMatchObject({
      level: 'debug',
      requestId: 'r-2',
      method: 'GET',
      route: '/greetings/:name',
      status: 200,
      ms: expect.any(Number) as number,
    });
    expect(JSON.stringify(line)).not.toContain('secret');
  });

  it('logs a bug with its stack and the request id, at error', async () => {
    await app.inject({ url: '/greetings/broken', headers: { 'x-request-id': 'r-3' } });
    expect(await lineOf('ProblemFilter')).toMatchObject({
      level: 'error',
      requestId: 'r-3',
      err: { message: 'out of words', stack: expect.stringContaining('observability.spec') as string },
    });
    expect(await lineOf('Http')).toMatchObject({
      level: 'debug',
      status: 500,
      code: 'INTERNAL_ERROR',
      requestId: 'r-3',
    });
  });

  it('says why the database could not be asked, and repeats no statement', async () => {
    const response = await app.inject({ url: '/greetings/away', headers: { 'x-request-id': 'r-4' } });
    expect(response.statusCode).toBe(503);
    expect(await lineOf('Http')).toMatchObject({
      level: 'warn',
      requestId: 'r-4',
      actor: 'anonymous',
      clientAddress: '127.0.0.1',
      path: '/greetings/away',
      code: 'STORE_UNAVAILABLE',
      because: '57014',
      msg: 'GET /greetings/:name 503 STORE_UNAVAILABLE because of 57014',
    });
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('writes one line for the first of many requests that are refused, and the others at debug', async () => {
    const ids = ['r-5', 'r-6', 'r-7'];
    for (const id of ids) await app.inject({ url: '/greetings/away', headers: { 'x-request-id': id } });
    await eventually(() => expect(lines).toHaveLength(ids.length));
    // The first of them was told of by the test before.
    expect(lines.map(({ level, requestId, context }) => ({ level, requestId, context }))).toEqual(
      ids.map(requestId => ({ level: 'debug', requestId, context: 'Http' })),
    );
    lines.length = 0;
    app.get(RequestObserver).onApplicationShutdown();
    expect(lines).toMatchObject([
      { level: 'warn', count: 3, requestIds: ids, routes: { 'GET /greetings/:name': 3 }, because: '57014' },
    ]);
  });

  it('says nothing of probes', async () => {
    await app.inject('/health/live');
    await app.inject('/greetings/anna');
    await lineOf('Http');
    expect(lines.filter(line => line['context'] === 'Http')).toHaveLength(1);
  });

  it('tells durations by route, and unknown paths under one label', async () => {
    await app.inject('/nothing/1');
    await app.inject('/nothing/2');
    const { body, headers } = await app.inject('/metrics');
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(body).toMatch(
      /pcs_http_request_duration_seconds_count\{route="\/greetings\/:name",method="GET",status="200"\} \d/,
    );
    expect(body).toContain('pcs_http_request_duration_seconds_count{route="unknown",method="GET",status="404"} 2');
    expect(body).toContain('process_cpu_seconds_total');
    expect(body).not.toContain('/nothing');
  });

  it('takes metrics of other libraries, and keeps applications apart', async () => {
    const one = new Metrics();
    const other = new Metrics();
    one.counter({ name: 'things_total', help: 'Things.', labelNames: ['kind'] }).inc({ kind: 'a' }, 2);
    one.gauge({
      name: 'queue',
      help: 'Waiting.',
      collect() {
        this.set(7);
      },
    });
    expect(await one.text()).toContain('pcs_things_total{kind="a"} 2');
    expect(await one.text()).toContain('pcs_queue 7');
    expect(await other.text()).not.toContain('pcs_things_total');
  });

  it('writes for people, if asked to', () => {
    let text = '';
    const pretty = createLogger(
      { LOG_LEVEL: 'info', LOG_FORMAT: 'pretty' },
      writable(line => (text += line)),
    );
    new NestLogger(pretty).warn('look here', 'Somewhere');
    expect(text).toContain('look here');
    expect(text).not.toMatch(/^\{/);
  });
});
