import { Metrics } from '@coordination/observability';
import { Injectable } from '@nestjs/common';
import { type Counter } from 'prom-client';

/** Counters of what watches do. */
@Injectable()
export class WatchMetrics {
  readonly events: Counter<'event'>;
  readonly bytes: Counter;
  readonly resets: Counter<'reason'>;
  readonly pages: Counter;
  readonly turns: Counter;

  constructor(metrics: Metrics) {
    this.events = metrics.counter({
      name: 'watch_events_total',
      help: 'Events sent to watchers, by kind: change, snapshot, bookmark.',
      labelNames: ['event'],
    });
    this.bytes = metrics.counter({ name: 'watch_bytes_total', help: 'Bytes handed to watchers.' });
    this.resets = metrics.counter({
      name: 'watch_resets_total',
      help: 'Resets sent to watchers, by reason: unknown_revision, new_epoch, compacted, too_slow.',
      labelNames: ['reason'],
    });
    this.pages = metrics.counter({
      name: 'watch_log_pages_total',
      help: 'Pages of the log that watches read because they were behind the changes in memory.',
    });
    this.turns = metrics.counter({
      name: 'watch_turns_total',
      help: 'Times that a watch was scheduled and checked for something to send.',
    });
  }
}
