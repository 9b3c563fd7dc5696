import { Readable } from 'node:stream';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { systemClock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import pLimit from 'p-limit';
import { ChangeFeed } from '../../../libs/catalog/src/changes/change-feed.js';
import { CatalogState } from '../../../libs/catalog/src/view/catalog-state.js';
import { CatalogView } from '../../../libs/catalog/src/view/catalog-view.js';
import { ChangeFrames } from '../../../libs/discovery/src/watch/change-sse.js';
import { LogPages } from '../../../libs/discovery/src/watch/log-pages.js';
import { toStretch } from '../../../libs/discovery/src/watch/log-segment.js';
import { FairScheduler } from '../../../libs/discovery/src/watch/fair-scheduler.js';
import { type WatchContext, type WatchLimits } from '../../../libs/discovery/src/watch/watch-context.js';
import { watchMetrics } from '../../../libs/discovery/src/watch/watch-metrics.js';
import { LogInMemory } from '../log/log-in-memory.js';
import { type WatchFrame } from './watch-record.js';

const LIMITS: WatchLimits = {
  watches: 1_000,
  catchUps: 2,
  backlogBytes: 4_096,
  stallMs: 60_000,
  bookmarkMs: 60_000,
};

export interface WatchedViewOptions {
  readonly limits?: Partial<WatchLimits>;
  /** How many changes are kept in memory. */
  readonly maxChanges?: number;
  readonly pageSize?: number;
  readonly stalenessLimitSeconds?: number;
}

/** The parts that watches work with, over a log in memory, which a test appends to and applies as it likes. */
export function watchedView(options: WatchedViewOptions = {}) {
  const { maxChanges = 1_000, pageSize = 5, stalenessLimitSeconds = 600 } = options;
  const log = new LogInMemory();
  const view = new CatalogView({ clock: systemClock, stalenessLimitSeconds });
  const feed = new ChangeFeed({ maxChanges, maxBytes: Infinity });
  view.observe(feed);
  /** Loads what the log has made so far, as a follower does that found its history broken. */
  const load = (epoch = log.epoch) => {
    const state = new CatalogState();
    for (const instance of log.instances.values()) state.put(instance);
    for (const { namespace, service, revision } of log.events) {
      if (namespace !== null && service !== null) state.touch(namespace, service, revision);
    }
    view.replace({ head: { ...log.head, epoch }, state, sentAtMs: systemClock.monotonicMs() });
  };
  load();
  let reads = 0;
  const pages = new LogPages(async (after, limit) => {
    reads += 1;
    await Promise.resolve();
    const events = log.events.filter(({ revision }) => revision > after).slice(0, limit);
    return toStretch(after, { epoch: view.position!.epoch }, events);
  }, pageSize);
  const failures: unknown[] = [];
  const limits = { ...LIMITS, ...options.limits };
  const context: WatchContext = {
    view,
    feed,
    limits,
    frames: new ChangeFrames(),
    turns: new FairScheduler(systemClock),
    metrics: watchMetrics(new Metrics(), () => ({ size: feed.size, backlogBytes: 0 })),
    clock: systemClock,
    random: Math.random,
    toldUpTo: () => (feed.hasUntold ? feed.toldUpTo : view.revision),
    isStale: () => view.freshness().stalenessSeconds > stalenessLimitSeconds,
    catchUps: pLimit(limits.catchUps),
    pages: (revision, epoch) => pages.around(revision, epoch),
    later: (work, ms = 1) => void setTimeout(work, ms).unref(),
    onFailure: error => failures.push(error),
  };
  return { log, view, feed, load, context, failures, reads: () => reads };
}

/** The events of a stream of bytes, as they come. */
export async function* framesOf(stream: Readable): AsyncGenerator<WatchFrame> {
  const events = Readable.toWeb(stream)
    .pipeThrough(new TextDecoderStream() as never)
    .pipeThrough(new EventSourceParserStream());
  for await (const { id, event = 'message', data } of events) yield { id, event, data: JSON.parse(data) };
}
