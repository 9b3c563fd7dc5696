import { type ReadIndex } from '@coordination/log';
import { type Metrics } from '@coordination/observability';
import { WAKE_REASONS, type WakeReason } from './pending-poll.js';
import { type ViewGate } from '@coordination/catalog';
import { type WaitingReads } from './long-polls.js';

/** What there is to tell of strong reads, for Prometheus; read when it is asked for. */
export function measureGate(metrics: Metrics, gate: ViewGate, readIndex: ReadIndex): void {
  const total = (name: string, help: string, read: () => number) => {
    let told = 0;
    metrics.counter({
      name,
      help,
      labelNames: [],
      collect() {
        const count = read();
        this.inc(count - told);
        told = count;
      },
    });
  };
  total('strong_reads_total', 'Reads that asked for `consistency=strong`.', () => gate.strongReads);
  total('read_index_queries_total', 'Times that the primary was asked where the log ends.', () => readIndex.queries);
}

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
export function measureWaiting(metrics: Metrics, waiting: WaitingReads): void {
  metrics.gauge({
    name: 'waiting_reads',
    help: 'Requests with `since` that are held.',
    labelNames: [],
    collect() {
      this.set(waiting.held);
    },
  });
}
