import { type Metrics } from '@coordination/observability';

/** What is counted of watches. */
export type WatchMetrics = ReturnType<typeof watchMetrics>;

/** The watches that are open, as far as it is measured. */
export interface OpenWatches {
  readonly size: number;
  /** Bytes that wait for their readers. */
  readonly backlogBytes: number;
}

/** Counts for Prometheus. */
export function watchMetrics(metrics: Metrics, open: () => OpenWatches) {
  metrics.gauge({
    name: 'watch_open',
    help: 'Watches that are open.',
    labelNames: [],
    collect() {
      this.set(open().size);
    },
  });
  metrics.gauge({
    name: 'watch_backlog_bytes',
    help: 'Bytes that wait for watchers that read slowly, of all watches together.',
    labelNames: [],
    collect() {
      this.set(open().backlogBytes);
    },
  });
  return {
    events: metrics.counter({
      name: 'watch_events_total',
      help: 'Events sent to watchers, by kind: change, snapshot, bookmark.',
      labelNames: ['event'],
    }),
    bytes: metrics.counter({ name: 'watch_bytes_total', help: 'Bytes handed to watchers.', labelNames: [] }),
    resets: metrics.counter({
      name: 'watch_resets_total',
      help: 'Watchers that were told to begin anew, by reason: unknown_revision, new_epoch, compacted, too_slow.',
      labelNames: ['reason'],
    }),
    pages: metrics.counter({
      name: 'watch_log_pages_total',
      help: 'Pages of the log that watchers went through, because they were behind what is in memory.',
      labelNames: [],
    }),
    turns: metrics.counter({
      name: 'watch_turns_total',
      help: 'Times that a watch was woken and looked for something to send.',
      labelNames: [],
    }),
  };
}
