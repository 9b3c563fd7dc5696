import { Injectable } from '@nestjs/common';
import { Metrics } from '@coordination/observability';
import { NODE_FAULTS, type NodeFault, type ProbedCheck } from '@coordination/catalog';
import { type ProbeResult } from './run/probe-outcome.js';

const PROBE_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30];
const LATE_SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];

/** The queue of probes of this node, which can be read at any time. */
export interface ProbeGauges {
  readonly size: number;
  readonly inFlight: number;
  readonly waiting: number;
  readonly lateSeconds: number;
  readonly notCounted: ReadonlyMap<NodeFault, number>;
}

/** Metrics of probes. */
@Injectable()
export class ProbeMetrics {
  private readonly duration;
  private readonly lateness;
  private readonly skips;
  private readonly faults;

  constructor(private readonly metrics: Metrics) {
    this.duration = metrics.histogram({
      name: 'probe_duration_seconds',
      help: 'Probes by kind of check and result: success, failure, timeout, forbidden, node.',
      labelNames: ['kind', 'result'],
      buckets: PROBE_SECONDS,
    });
    this.lateness = metrics.histogram({
      name: 'probe_lateness_seconds',
      help: 'Time from when a probe was due to its start.',
      labelNames: [],
      buckets: LATE_SECONDS,
    });
    this.skips = metrics.counter({
      name: 'probes_skipped_total',
      help: 'Probes that were left out because the one before was later than a whole interval.',
      labelNames: [],
    });
    this.faults = metrics.counter({
      name: 'probes_not_counted_total',
      help: 'Probes that did not count because this node lacked something: dns, descriptors, memory, local-address, local-filter, route, stalled.',
      labelNames: ['reason'],
    });
    for (const reason of NODE_FAULTS) this.faults.inc({ reason }, 0);
  }

  /** A probe failed because of what this node lacked. */
  notCounted(reason: NodeFault): void {
    this.faults.inc({ reason });
  }

  /** Observes the queue of probes from now on. */
  observe(gauges: ProbeGauges): void {
    const { metrics } = this;
    metrics.observedGauge('probes_owned', 'Instances that this node probes.', () => gauges.size);
    metrics.observedGauge('probes_in_flight', 'Probes under way.', () => gauges.inFlight);
    metrics.observedGauge('probes_waiting', 'Probes that are due and wait for others to end.', () => gauges.waiting);
    metrics.observedGauge(
      'probes_late_seconds',
      'How long the probe that has waited longest has been due.',
      () => gauges.lateSeconds,
    );
    metrics.observedGauges(
      {
        name: 'probes_without_result',
        help: 'Instances whose last probe did not count, by what this node lacked.',
        labelNames: ['reason'],
      },
      () => NODE_FAULTS.map(reason => ({ labels: { reason }, value: gauges.notCounted.get(reason) ?? 0 })),
    );
  }

  /** A probe begins, some seconds after it was due. @returns is to be called with its result, if it has one */
  start(kind: ProbedCheck['kind'], lateSeconds: number): (result: ProbeResult) => void {
    this.lateness.observe(lateSeconds);
    const end = this.duration.startTimer({ kind });
    return result => end({ result });
  }

  skipped(count: number): void {
    this.skips.inc(count);
  }
}
