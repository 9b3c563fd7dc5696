import { type Metrics } from '@coordination/observability';
import { type ProbedCheck } from '@coordination/catalog';
import { type ProbeResult } from './run/probe-outcome.js';

const PROBE_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30];
const LATE_SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];

/** Where probes are counted. */
export interface ProbeMetrics {
  /** A probe begins, so many seconds after it was due. @returns to be called with its result, if it has one */
  start(kind: ProbedCheck['kind'], lateSeconds: number): (result: ProbeResult) => void;
  skipped(count: number): void;
}

/** What can be read of the probes of this node at any time. */
export interface ProbeGauges {
  readonly size: number;
  readonly inFlight: number;
  readonly waiting: number;
}

/** Probes, for Prometheus. */
export function probeMetrics(metrics: Metrics): ProbeMetrics & { watch(gauges: ProbeGauges): void } {
  const duration = metrics.histogram({
    name: 'probe_duration_seconds',
    help: 'Probes by kind of check and result: success, failure, timeout, forbidden.',
    labelNames: ['kind', 'result'],
    buckets: PROBE_SECONDS,
  });
  const lateness = metrics.histogram({
    name: 'probe_lateness_seconds',
    help: 'Time from when a probe was due to its start.',
    labelNames: [],
    buckets: LATE_SECONDS,
  });
  const skipped = metrics.counter({
    name: 'probes_skipped_total',
    help: 'Probes that were left out because the one before was later than a whole interval.',
    labelNames: [],
  });
  const gauge = (name: string, help: string, read: () => number) =>
    metrics.gauge({
      name,
      help,
      labelNames: [],
      collect() {
        this.set(read());
      },
    });
  return {
    start(kind, lateSeconds) {
      lateness.observe(lateSeconds);
      const end = duration.startTimer({ kind });
      return result => end({ result });
    },
    skipped: count => skipped.inc(count),
    watch(gauges) {
      gauge('probes_owned', 'Instances that this node probes.', () => gauges.size);
      gauge('probes_in_flight', 'Probes under way.', () => gauges.inFlight);
      gauge('probes_waiting', 'Probes that are due and wait for others to end.', () => gauges.waiting);
    },
  };
}
