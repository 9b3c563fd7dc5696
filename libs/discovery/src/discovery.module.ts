import { Logger, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuditModule } from '@coordination/audit';
import { CATALOG_CHANNEL, CatalogHeadRepository, ReadIndex, ServiceEventRepository } from '@coordination/log';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { Databases, NotificationListener, SchemaGate } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import { type BackgroundTask, BackgroundTasks, Metrics } from '@coordination/observability';
import { CatalogMirrorSlot, HistoryKeeper } from '@coordination/catalog';
import { CatalogWriter, EmptyServiceRepository, RegistryModule } from '@coordination/registry';
import { CatalogSearchRepository } from './search/catalog-search.repository.js';
import { ChangeFeed } from '@coordination/catalog';
import { DiscoveryController } from './discovery.controller.js';
import { DiscoveryService } from './discovery.service.js';
import { EmptyServicesJob } from '@coordination/registry';
import { FreshReads } from './freshness/fresh-reads.js';
import { countWakes, measureGate, measureWaiting } from './freshness/freshness-metrics.js';
import { ViewGate } from '@coordination/catalog';
import { GuardNoticeSlot } from './responses/guard-notice.js';
import { WaitingReads } from './freshness/long-polls.js';
import { InstancePicker } from './search/instance-picker.js';
import { Listings } from './listing/listings.js';
import { PastModule } from './past/past.module.js';
import { PlainReads } from './parsed-request-cache.js';
import { ResolveController } from './resolve/resolve.controller.js';
import { Resolver } from './resolve/resolver.js';
import { CatalogFollower } from '@coordination/catalog';
import { CatalogLoader } from '@coordination/catalog';
import { CatalogView } from '@coordination/catalog';
import { LocalMirror } from '@coordination/catalog';
import { LogReader } from '@coordination/catalog';
import { ViewAnswers } from './responses/cached-json.js';
import { ViewLifecycle } from '@coordination/catalog';
import { measureView } from '@coordination/catalog';
import { WatchController } from './watch/watch.controller.js';
import { WATCH_PROVIDERS } from './watch/watch.providers.js';

/** The most bytes of changes that are kept in memory, roughly. */
const FEED_MAX_BYTES = 64 * 1024 * 1024;

/** How many characters of pages, and of lists with some members only, are kept. */
const PART_ANSWERS_MAX_LENGTH = 16 * 1024 * 1024;

/** The read side of the catalog. It needs `DatabaseModule`. */
@Module({
  imports: [AuditModule, RegistryModule, PastModule],
  controllers: [DiscoveryController, ResolveController, WatchController],
  providers: [
    {
      provide: CatalogView,
      inject: [SETTINGS_TOKEN],
      useFactory: (settings: Settings) =>
        new CatalogView({ clock: systemClock, stalenessLimitSeconds: settings.PCS_STALENESS_LIMIT_SECONDS }),
    },
    {
      provide: ChangeFeed,
      inject: [CatalogView, SETTINGS_TOKEN],
      useFactory: (view: CatalogView, settings: Settings) => {
        const feed = new ChangeFeed({ maxChanges: settings.PCS_FEED_MAX_CHANGES, maxBytes: FEED_MAX_BYTES });
        view.observe(feed);
        return feed;
      },
    },
    {
      provide: CatalogFollower,
      inject: [
        CatalogView,
        Databases,
        CatalogHeadRepository,
        ServiceEventRepository,
        HistoryKeeper,
        BackgroundTasks,
        SchemaGate,
        SETTINGS_TOKEN,
      ],
      useFactory: (
        view: CatalogView,
        databases: Databases,
        heads: CatalogHeadRepository,
        events: ServiceEventRepository,
        history: HistoryKeeper,
        tasks: BackgroundTasks,
        gate: SchemaGate,
        settings: Settings,
      ) =>
        new CatalogFollower({
          view,
          history,
          loader: new CatalogLoader(databases, heads, systemClock),
          reader: new LogReader(databases, heads, events, systemClock),
          pollMs: settings.PCS_VIEW_POLL_MS,
          logger: new Logger('View'),
          task: tasks.task('catalog-follower'),
          ready: gate.opened,
          cutOff: () => databases.sever('view'),
        }),
    },
    {
      provide: ViewLifecycle,
      inject: [CatalogView, CatalogFollower, CatalogMirrorSlot, Databases, Metrics, BackgroundTasks, SETTINGS_TOKEN],
      useFactory: (
        view: CatalogView,
        follower: CatalogFollower,
        slot: CatalogMirrorSlot,
        databases: Databases,
        metrics: Metrics,
        tasks: BackgroundTasks,
        settings: Settings,
      ) => {
        measureView(metrics, view, follower);
        const task = tasks.task('notification-listener');
        const listener = listenFor(follower, task, settings, databases.url);
        return new ViewLifecycle({ follower, listener, slot, mirror: new LocalMirror(view) });
      },
    },
    {
      provide: ViewGate,
      inject: [CatalogView, ReadIndex, Metrics, SETTINGS_TOKEN],
      useFactory: (view: CatalogView, readIndex: ReadIndex, metrics: Metrics, settings: Settings) => {
        const isFenced = settings.PCS_STRONG_READ_FENCE;
        const gate = new ViewGate({ view, readIndex, clock: systemClock, isFenced });
        measureGate(metrics, gate, readIndex);
        return gate;
      },
    },
    {
      provide: WaitingReads,
      inject: [CatalogView, ChangeFeed, Metrics, SETTINGS_TOKEN],
      useFactory: (view: CatalogView, feed: ChangeFeed, metrics: Metrics, settings: Settings) => {
        const waiting = new WaitingReads({
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
    {
      provide: EmptyServicesJob,
      inject: [CatalogView, CatalogWriter, BackgroundTasks, SETTINGS_TOKEN],
      useFactory: (view: CatalogView, writer: CatalogWriter, tasks: BackgroundTasks, settings: Settings) =>
        new EmptyServicesJob({
          view,
          writer,
          services: new EmptyServiceRepository(),
          max: settings.PCS_EMPTY_SERVICES_MAX,
          task: tasks.task('empty-services'),
        }),
    },
    { provide: GuardNoticeSlot, useFactory: () => new GuardNoticeSlot() },
    {
      provide: InstancePicker,
      inject: [CatalogView],
      useFactory: (view: CatalogView) => new InstancePicker(view, systemClock),
    },
    {
      provide: DiscoveryService,
      inject: [CatalogView, Databases, CatalogHeadRepository, ViewGate, WaitingReads, Listings, ChangeFeed],
      useFactory: (
        view: CatalogView,
        databases: Databases,
        heads: CatalogHeadRepository,
        gate: ViewGate,
        waiting: WaitingReads,
        listings: Listings,
        feed: ChangeFeed,
      ) =>
        new DiscoveryService({
          view,
          answers: new ViewAnswers(view),
          partAnswers: new ViewAnswers(view, PART_ANSWERS_MAX_LENGTH, { listings, changes: feed }),
          resolver: new Resolver(view, Math.random),
          catalog: new CatalogSearchRepository(databases, heads),
          fresh: new FreshReads(view, gate, waiting),
        }),
    },
    {
      provide: PlainReads,
      inject: [HttpAdapterHost, DiscoveryService, GuardNoticeSlot],
      useFactory: (host: HttpAdapterHost, discovery: DiscoveryService, guards: GuardNoticeSlot) =>
        new PlainReads(host, discovery, guards),
    },
    ...WATCH_PROVIDERS,
  ],
  exports: [CatalogView, ChangeFeed, DiscoveryService, GuardNoticeSlot, InstancePicker, ViewGate],
})
export class DiscoveryModule {}

/** Notifications only make the follower look sooner; whatever they do not tell, its poll finds. */
function listenFor(
  follower: CatalogFollower,
  task: BackgroundTask,
  settings: Settings,
  databaseUrl: string,
): NotificationListener {
  const logger = new Logger('View');
  return new NotificationListener({
    url: settings.DATABASE_LISTEN_URL ?? databaseUrl,
    ssl: settings.DATABASE_SSL,
    refusesPooler: settings.DATABASE_LISTEN_URL === undefined,
    channel: CATALOG_CHANNEL,
    onNotification: payload => follower.hint(Number(payload)),
    onListening: () => follower.look(),
    task,
    onPooler: reason => logger.warn(`Not notified of changes (${reason}); polling finds them instead.`),
  });
}
