import { Module } from '@nestjs/common';
import { CatalogModule, CatalogView, ChangeFeed, ReadBarrier } from '@coordination/catalog';
import { HttpAdapterHost } from '@nestjs/core';
import { CatalogHeadRepository } from '@coordination/log';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { Databases } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { CatalogSearchRepository } from './search/catalog-search.repository.js';
import { DiscoveryController } from './discovery.controller.js';
import { DiscoveryService } from './discovery.service.js';
import { FreshReads } from './freshness/fresh-reads.js';
import { countWakes, measureWaiting } from './freshness/freshness-metrics.js';
import { GuardNoticeSlot } from './responses/guard-notice.js';
import { LongPolls } from './freshness/long-polls.js';
import { InstancePicker } from './search/instance-picker.js';
import { Listings } from './listing/listings.js';
import { PastModule } from './past/past.module.js';
import { ParsedRequestCache } from './parsed-request-cache.js';
import { ResolveController } from './resolve/resolve.controller.js';
import { Resolver } from './resolve/resolver.js';
import { CachedJson } from './responses/cached-json.js';
import { WatchController } from './watch/watch.controller.js';
import { WATCH_PROVIDERS } from './watch/watch.providers.js';

/** How many characters of pages, and of lists with some members only, are kept. */
const PART_ANSWERS_MAX_LENGTH = 16 * 1024 * 1024;

/** The read side of the catalog. It needs `DatabaseModule`. */
@Module({
  imports: [CatalogModule, PastModule],
  controllers: [DiscoveryController, ResolveController, WatchController],
  providers: [
    {
      provide: LongPolls,
      inject: [CatalogView, ChangeFeed, Metrics, SETTINGS_TOKEN],
      useFactory: (view: CatalogView, feed: ChangeFeed, metrics: Metrics, settings: Settings) => {
        const waiting = new LongPolls({
          view,
          feed,
          clock: systemClock,
          random: Math.random,
          max: settings.PCS_WAITING_READS_MAX,
          ended: countWakes(metrics),
        });
        measureWaiting(metrics, waiting);
        return waiting;
      },
    },
    { provide: GuardNoticeSlot, useFactory: () => new GuardNoticeSlot() },
    {
      provide: InstancePicker,
      inject: [CatalogView],
      useFactory: (view: CatalogView) => new InstancePicker(view, systemClock),
    },
    {
      provide: DiscoveryService,
      inject: [CatalogView, Databases, CatalogHeadRepository, ReadBarrier, LongPolls, Listings, ChangeFeed],
      useFactory: (
        view: CatalogView,
        databases: Databases,
        heads: CatalogHeadRepository,
        gate: ReadBarrier,
        waiting: LongPolls,
        listings: Listings,
        feed: ChangeFeed,
      ) =>
        new DiscoveryService({
          view,
          answers: new CachedJson(view),
          partAnswers: new CachedJson(view, PART_ANSWERS_MAX_LENGTH, { listings, changes: feed }),
          resolver: new Resolver(view, Math.random),
          catalog: new CatalogSearchRepository(databases, heads),
          fresh: new FreshReads(view, gate, waiting),
        }),
    },
    {
      provide: ParsedRequestCache,
      inject: [HttpAdapterHost, DiscoveryService, GuardNoticeSlot],
      useFactory: (host: HttpAdapterHost, discovery: DiscoveryService, guards: GuardNoticeSlot) =>
        new ParsedRequestCache(host, discovery, guards),
    },
    ...WATCH_PROVIDERS,
  ],
  exports: [CatalogModule, DiscoveryService, GuardNoticeSlot, InstancePicker],
})
export class DiscoveryModule {}
