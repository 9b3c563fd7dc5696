import { Logger, type Provider } from '@nestjs/common';
import { CatalogHeadRepository, ServiceEventRepository } from '@coordination/log';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { Databases } from '@coordination/database';
import { StoreUnavailableError, systemClock } from '@coordination/kernel';
import { type BackgroundTask, BackgroundTasks, Metrics } from '@coordination/observability';
import pLimit from 'p-limit';
import pRetry from 'p-retry';
import { CatalogView, ChangeFeed, ReadBarrier } from '@coordination/catalog';
import { ChangeFrames } from './change-sse.js';
import { LogPages, stretchReader } from './log-pages.js';
import { FairScheduler } from './fair-scheduler.js';
import { type WatchContext } from './watch-context.js';
import { watchMetrics } from './watch-metrics.js';
import { Watches } from './watches.service.js';

const SECOND_MS = 1_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 3_000;

/** When (ms) it makes sense to look again for what was not there yet, up to twice that. */
const LOOK_AGAIN_MS = 250;

/** The watches of a node, for the module of discovery. */
export const WATCH_PROVIDERS: Provider[] = [
  {
    provide: LogPages,
    inject: [Databases, CatalogHeadRepository, ServiceEventRepository],
    useFactory: (databases: Databases, heads: CatalogHeadRepository, events: ServiceEventRepository) =>
      new LogPages(stretchReader(databases, heads, events)),
  },
  {
    provide: Watches,
    inject: [CatalogView, ChangeFeed, LogPages, ReadBarrier, Metrics, BackgroundTasks, SETTINGS_TOKEN],
    useFactory: (
      view: CatalogView,
      feed: ChangeFeed,
      pages: LogPages,
      gate: ReadBarrier,
      metrics: Metrics,
      tasks: BackgroundTasks,
      settings: Settings,
    ) => {
      const task = tasks.task('watch-catch-up');
      const watches: Watches = new Watches(
        contextOf({ view, feed, pages, metrics: watchMetrics(metrics, () => watches), task, settings }),
        gate,
      );
      return watches;
    },
  },
];

interface ContextParts extends Pick<WatchContext, 'view' | 'feed' | 'metrics'> {
  readonly pages: LogPages;
  readonly task: BackgroundTask;
  readonly settings: Settings;
}

function contextOf({ view, feed, metrics, pages, task, settings }: ContextParts): WatchContext {
  const logger = new Logger('Watch');
  return {
    view,
    feed,
    metrics,
    frames: new ChangeFrames(),
    turns: new FairScheduler(systemClock),
    limits: {
      watches: settings.PCS_WATCH_MAX,
      catchUps: settings.PCS_WATCH_CATCH_UPS,
      backlogBytes: settings.PCS_WATCH_BACKLOG_BYTES,
      stallMs: settings.PCS_WATCH_STALL_SECONDS * SECOND_MS,
      bookmarkMs: settings.PCS_WATCH_BOOKMARK_SECONDS * SECOND_MS,
    },
    clock: systemClock,
    random: Math.random,
    toldUpTo: () => (feed.hasUntold ? feed.toldUpTo : view.revision),
    isStale() {
      const { stalenessSeconds, limitSeconds } = view.freshness();
      return stalenessSeconds > limitSeconds;
    },
    catchUps: pLimit(settings.PCS_WATCH_CATCH_UPS),
    pages: (revision, epoch, signal) =>
      pRetry(() => task.turn(() => pages.around(revision, epoch), signal), {
        signal,
        retries: Infinity,
        minTimeout: FIRST_RETRY_MS,
        maxTimeout: LAST_RETRY_MS,
        randomize: true,
        shouldRetry: ({ error }) => error instanceof StoreUnavailableError,
      }),
    later: (work, ms = LOOK_AGAIN_MS * (1 + Math.random())) => void setTimeout(work, ms).unref(),
    onFailure: error => logger.error(error, 'A watch failed'),
  };
}
