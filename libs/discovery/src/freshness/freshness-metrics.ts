import { type Metrics } from '@coordination/observability';
import { WAKE_REASONS, type WakeReason } from './pending-poll.js';
import { type LongPolls } from './long-polls.js';

/** Counts the ends of waiting reads by their reason, for Prometheus. */
export function countWakes(metrics: Metrics): (reason: WakeReason) => void {
  const counter = metrics.counter({
    name: 'waiting_reads_ended_total',
    help: 'Requests with `since` that are held no longer, by why.',
    labelNames: ['reason'],
  });
  for (const reason of WAKE_REASONS) counter.inc({ reason }, 0);
  return reason => counter.inc({ reason });
}

/** How many reads are held, for Prometheus. */
export function measureWaiting(metrics: Metrics, waiting: LongPolls): void {
  metrics.gauge({
    name: 'waiting_reads',
    help: 'Requests with `since` that are held.',
    labelNames: [],
    collect() {
      this.set(waiting.held);
    },
  });
}
