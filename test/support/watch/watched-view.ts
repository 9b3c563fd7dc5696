import { PassThrough, Readable } from 'node:stream';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { systemClock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { CatalogView, ChangeFeed } from '@coordination/catalog';
import { NO_STALLS, Scheduler, type StallRecord } from '@coordination/scheduling';
import { CatalogState } from '@coordination/catalog/testing';
import {
  LogCatchUp,
  LogPages,
  toSegment,
  type Watch,
  WatchBacklogs,
  WatchContext,
  type WatchLimits,
  WatchMetrics,
} from '@coordination/discovery/testing';
import { aTask } from '../nodes/background-tasks.js';
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
  /** The most bytes that all responses may have under way. */
  readonly bytesUnderWay?: number;
  readonly stalls?: StallRecord;
}

/** The parts that watches work with, over a log in memory, which a test appends to and applies as it likes. */
export function watchedView(options: WatchedViewOptions = {}) {
  const { maxChanges = 1_000, pageSize = 5, stalenessLimitSeconds = 600 } = options;
  const { bytesUnderWay = Infinity, stalls = NO_STALLS } = options;
  const log = new LogInMemory();
  const view = new CatalogView(systemClock, { stalenessLimitSeconds });
  const feed = new ChangeFeed(view, { maxChanges, maxBytes: Infinity });
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
  const read = async (after: number, limit: number) => {
    reads += 1;
    await Promise.resolve();
    const events = log.events.filter(({ revision }) => revision > after).slice(0, limit);
    return toSegment(after, { epoch: view.position!.epoch }, events);
  };
  const failures: unknown[] = [];
  const limits = { ...LIMITS, ...options.limits };
  const tasks = { task: aTask };
  const logger = { error: (error: unknown) => void failures.push(error) };
  const catchUps = new LogCatchUp(new LogPages({ read }, pageSize), tasks, limits, { pollAgainMs: 1 }, logger);
  const scheduler = new Scheduler();
  const backlogs = new WatchBacklogs(limits, { count: () => undefined, maxBytes: bytesUnderWay }, stalls);
  const context = new WatchContext(view, feed, catchUps, new WatchMetrics(new Metrics()), scheduler, backlogs);
  return { log, view, feed, load, context, failures, reads: () => reads };
}

/** What a socket takes before the client reads (bytes). */
const SOCKET_BYTES = 1_000;

/** The bytes of a watch, as its client reads them. */
export function readerOf(watched: Watch): PassThrough {
  const response = new PassThrough({ highWaterMark: SOCKET_BYTES });
  watched.stream.sendTo(response);
  return response;
}

/** The events of a stream of bytes, as they come. */
export async function* framesOf(stream: Readable): AsyncGenerator<WatchFrame> {
  const events = Readable.toWeb(stream)
    .pipeThrough(new TextDecoderStream() as never)
    .pipeThrough(new EventSourceParserStream());
  for await (const { id, event = 'message', data } of events) yield { id, event, data: JSON.parse(data) };
}
