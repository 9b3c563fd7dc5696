import { type AddressInfo } from 'node:net';
import { Controller, Get, Headers, Module, Param, Query, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { CatalogView, ChangeFeed, DEFAULT_NAMESPACE, ReadBarrier } from '@coordination/catalog';
import { ContextModule } from '@coordination/context';
import {
  clientDisconnect,
  configureHttp,
  createHttpAdapter,
  RequestPlaces,
  UseProtocol,
  type WireProtocol,
} from '@coordination/http';
import { ERROR_CODES, StoreUnavailableError, systemClock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { Scheduler, WorkPlaces } from '@coordination/scheduling';
import { type FastifyReply } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anInstance } from '../../../test/support/catalog/factories.js';
import { waitFor } from '../../../test/support/time/wait-for.js';
import { watchedView } from '../../../test/support/watch/watched-view.js';
import { FreshReads } from './freshness/fresh-reads.js';
import { longPollLimit, LongPolls } from './freshness/long-polls.js';
import { DiscoveryService, EVENTUAL, type Selection, USABLE } from './index.js';
import { jsonBounds } from './kept-shares.js';
import { Listings } from './listing/listings.js';
import { MemoryPlaces } from './memory-places.js';
import { ViewAnswers } from './responses/view-answers.js';
import { CatalogSearches } from './search/catalog-searches.js';
import { FilteredServices } from './search/filtered-services.js';
import { InstanceOrders } from './search/orders/instance-orders.js';

/** A foreign protocol: one line for each instance, errors as a line, and an index for long polls. */
const LINES: WireProtocol = {
  source: 'consul',
  prefix: '/lines',
  isLenient: true,
  bodyParsers: {},
  formatError: ({ code, message }) => ({
    status: ERROR_CODES[code].status,
    contentType: 'text/plain',
    body: `${code} ${message}\n`,
  }),
};

const SELECTION: Selection = { statuses: USABLE, where: null };

/** An adapter as a library above discovery would have it: it uses nothing but what discovery exports. */
@UseProtocol(LINES)
@Controller('lines')
class LinesController {
  constructor(private readonly discovery: DiscoveryService) {}

  @Get(':service')
  async list(
    @Param('service') service: string,
    @Query('index') index: string | undefined,
    @Headers('if-none-match') etag: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const wait = index === undefined ? undefined : { since: Number(index), limitMs: 60_000 };
    const { catalog, tag, instances } = await this.discovery.readService(
      { namespace: DEFAULT_NAMESPACE, service, selection: SELECTION },
      { ...EVENTUAL, wait, signal: clientDisconnect(reply.raw) },
      known => etag === `"${known}"`,
    );
    void reply.headers({ etag: `"${tag}"`, 'x-index': catalog.revision });
    if (!instances) return void reply.status(304).send();
    const lines = instances.map(({ instanceId, host, port }) => `${instanceId} ${host}:${port}\n`);
    void reply.type('text/plain').send(lines.join(''));
  }
}

const { view, feed, log } = watchedView();
const readIndex = { current: () => Promise.reject(new StoreUnavailableError()), queries: 0 };
const barrier = new ReadBarrier(view, readIndex, systemClock, new Metrics());

@Module({
  imports: [ContextModule],
  controllers: [LinesController],
  providers: [
    { provide: CatalogView, useValue: view },
    { provide: ChangeFeed, useValue: feed },
    { provide: ReadBarrier, useValue: barrier },
    InstanceOrders,
    CatalogSearches,
    FilteredServices,
    { provide: longPollLimit, useValue: { max: 10 } },
    { provide: jsonBounds, useValue: { lists: 1_000_000, pages: 1_000_000 } },
    Metrics,
    Scheduler,
    LongPolls,
    FreshReads,
    Listings,
    WorkPlaces,
    RequestPlaces,
    MemoryPlaces,
    ViewAnswers,
    DiscoveryService,
  ],
})
class LinesModule {}

const settings = {
  HOST: '127.0.0.1',
  PCS_ALLOWED_HOSTS: [],
  PCS_TRUSTED_PROXIES: [],
  PCS_KEEP_ALIVE_SECONDS: 75,
  PCS_CORS_ORIGINS: [],
};

let app: NestFastifyApplication;

beforeAll(async () => {
  app = await NestFactory.create<NestFastifyApplication>(LinesModule, createHttpAdapter(settings), { logger: false });
  configureHttp(app, settings);
  await app.listen(0, '127.0.0.1');
});
afterAll(() => app.close());

async function get(path: string, headers: Record<string, string> = {}) {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/lines/${path}`, { headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const put = (service: string, instanceId: string, port: number) =>
  view.apply([log.put(anInstance({ service, instanceId, host: '10.0.0.1', port }))]);

describe('An adapter of another wire protocol', () => {
  it('responds with the instances of a service in its own format', async () => {
    put('orders', 'b', 81);
    put('orders', 'a', 80);
    const response = await get('orders?unknown=1');
    expect(response).toMatchObject({ status: 200, text: 'a 10.0.0.1:80\nb 10.0.0.1:81\n' });
    expect(response.headers.get('x-index')).toBe(String(view.revision));
    await expect(get('nothing')).resolves.toMatchObject({ status: 200, text: '' });
  });

  it('responds with 304 until the service changes', async () => {
    put('tagged', 'a', 80);
    const tag = (await get('tagged')).headers.get('etag')!;
    put('other', 'a', 80);
    await expect(get('tagged', { 'if-none-match': tag })).resolves.toMatchObject({ status: 304, text: '' });
    put('tagged', 'b', 81);
    const changed = await get('tagged', { 'if-none-match': tag });
    expect(changed).toMatchObject({ status: 200, text: 'a 10.0.0.1:80\nb 10.0.0.1:81\n' });
    expect(changed.headers.get('etag')).not.toBe(tag);
  });

  it('holds a long poll until the service changes', async () => {
    put('polled', 'a', 80);
    const polls = app.get(LongPolls);
    let isAnswered = false;
    const held = get(`polled?index=${view.revision}`).finally(() => (isAnswered = true));
    await waitFor('the request to be held', () => polls.held === 1);
    put('other', 'b', 80);
    expect(isAnswered).toBe(false);
    put('polled', 'b', 81);
    await expect(held).resolves.toMatchObject({ status: 200, text: 'a 10.0.0.1:80\nb 10.0.0.1:81\n' });
  });

  it('reports errors of discovery in its own format', async () => {
    const response = await get('orders?index=999999');
    expect(response).toMatchObject({ status: 503, text: expect.stringContaining('STALE_VIEW') as string });
  });
});
