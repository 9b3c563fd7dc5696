import { Logger, Module } from '@nestjs/common';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { Databases, NotificationListener, SchemaGate } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import {
  CATALOG_CHANNEL,
  CatalogHeadRepository,
  EpochLogRepository,
  LogModule,
  ReadIndex,
  ServiceEventRepository,
} from '@coordination/log';
import { type BackgroundTask, BackgroundTasks, Metrics } from '@coordination/observability';
import { ChangeFeed } from './changes/change-feed.js';
import { EpochManager } from './epochs/epoch-manager.js';
import { measureHistory } from './epochs/epoch-metrics.js';
import { HistoryCheck } from './epochs/history-check.js';
import { CatalogFollower } from './follow/catalog-follower.js';
import { CatalogLoader } from './follow/catalog-loader.js';
import { LogReader } from './follow/log-reader.js';
import { ViewLifecycle } from './follow/view-lifecycle.service.js';
import { measureView } from './follow/view-metrics.js';
import { CatalogView } from './view/catalog-view.js';
import { LocalCatalog } from './view/local-catalog.js';
import { measureGate } from './view/read-barrier-metrics.js';
import { ReadBarrier } from './view/read-barrier.js';

/** The most bytes of changes that are kept in memory, roughly. */
const FEED_MAX_BYTES = 64 * 1024 * 1024;

/** The catalog in the memory of this node, which follows the log. It needs `DatabaseModule`. */
@Module({
  imports: [LogModule],
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
    { provide: LocalCatalog, inject: [CatalogView], useFactory: (view: CatalogView) => new LocalCatalog(view) },
    {
      provide: HistoryCheck,
      inject: [CatalogHeadRepository, EpochLogRepository, LocalCatalog],
      useFactory: (heads: CatalogHeadRepository, epochs: EpochLogRepository, catalog: LocalCatalog) =>
        new HistoryCheck({ heads, epochs, catalog }),
    },
    {
      provide: EpochManager,
      inject: [Databases, CatalogHeadRepository, ServiceEventRepository, HistoryCheck, Metrics, SETTINGS_TOKEN],
      useFactory: (
        databases: Databases,
        heads: CatalogHeadRepository,
        events: ServiceEventRepository,
        guard: HistoryCheck,
        metrics: Metrics,
        settings: Settings,
      ) => {
        const logger = new Logger('History');
        const tools = { databases, heads, events, guard, clock: systemClock, logger };
        const keeper = new EpochManager(tools, settings.PCS_EPOCH_CONFIRM_MS);
        measureHistory(metrics, keeper);
        return keeper;
      },
    },
    {
      provide: CatalogFollower,
      inject: [
        CatalogView,
        Databases,
        CatalogHeadRepository,
        ServiceEventRepository,
        EpochManager,
        BackgroundTasks,
        SchemaGate,
        SETTINGS_TOKEN,
      ],
      useFactory: (
        view: CatalogView,
        databases: Databases,
        heads: CatalogHeadRepository,
        events: ServiceEventRepository,
        history: EpochManager,
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
      inject: [CatalogView, CatalogFollower, Databases, Metrics, BackgroundTasks, SETTINGS_TOKEN],
      useFactory: (
        view: CatalogView,
        follower: CatalogFollower,
        databases: Databases,
        metrics: Metrics,
        tasks: BackgroundTasks,
        settings: Settings,
      ) => {
        measureView(metrics, view, follower);
        const task = tasks.task('notification-listener');
        const listener = listenFor(follower, task, settings, databases.url);
        return new ViewLifecycle({ follower, listener });
      },
    },
    {
      provide: ReadBarrier,
      inject: [CatalogView, ReadIndex, Metrics, SETTINGS_TOKEN],
      useFactory: (view: CatalogView, readIndex: ReadIndex, metrics: Metrics, settings: Settings) => {
        const isFenced = settings.PCS_STRONG_READ_FENCE;
        const gate = new ReadBarrier({ view, readIndex, clock: systemClock, isFenced });
        measureGate(metrics, gate, readIndex);
        return gate;
      },
    },
  ],
  exports: [LogModule, CatalogView, ChangeFeed, LocalCatalog, HistoryCheck, EpochManager, ReadBarrier],
})
export class CatalogModule {}

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
