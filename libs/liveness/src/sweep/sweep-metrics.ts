import { type Metrics } from '@coordination/observability';
import { type GuardState } from '../guard/guard-state.js';

/** What sweeping tells of itself. */
export interface SweepMetrics {
  /** A sweep begins; the function that comes back is called at its end. */
  startSweep(): (outcome: 'done' | 'failed') => void;
  /** An instance became unhealthy because its lease ended, or went. */
  expired(stage: 'lapsed' | 'deregistered', count: number): void;
  /** A lease was renewed that had just been acted on. */
  revived(count: number): void;
}

/** What is read when metrics are asked for. */
export interface LivenessGauges {
  readonly isSweeper: () => boolean;
  readonly sweptSecondsAgo: () => number | undefined;
  readonly guards: () => readonly GuardState[];
  readonly renewals: { readonly noted: number; readonly backlog: number };
}

const SWEEP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What ending leases does, for Prometheus. */
export function sweepMetrics(metrics: Metrics): SweepMetrics {
  const duration = metrics.histogram({
    name: 'lease_sweep_duration_seconds',
    help: 'Time that looking for leases that are over took, and acting on them; on the node that does it.',
    labelNames: ['outcome'],
    buckets: SWEEP_SECONDS,
  });
  const ended = metrics.counter({
    name: 'lease_expirations_total',
    help: 'Instances that became unhealthy because their lease ended (lapsed), or went for it (deregistered).',
    labelNames: ['stage'],
  });
  const revived = metrics.counter({
    name: 'lease_revivals_total',
    help: 'Leases whose renewal was noted just after their end had been acted on; the instance is healed at once.',
    labelNames: [],
  });
  for (const stage of ['lapsed', 'deregistered']) ended.inc({ stage }, 0);
  return {
    startSweep() {
      const end = duration.startTimer();
      return outcome => void end({ outcome });
    },
    expired: (stage, count) => ended.inc({ stage }, count),
    revived: count => revived.inc(count),
  };
}

/** Renewals, which node ends leases, and what guards hold, for Prometheus. */
export function watchLiveness(
  metrics: Metrics,
  { isSweeper, sweptSecondsAgo, guards, renewals }: LivenessGauges,
): void {
  metrics.counter({
    name: 'lease_renewals_total',
    help: 'Signs of life that were noted in the database.',
    labelNames: [],
    collect() {
      this.reset();
      this.inc(renewals.noted);
    },
  });
  metrics.gauge({
    name: 'lease_renewals_waiting',
    help: 'Signs of life that were taken and are not noted yet.',
    labelNames: [],
    collect() {
      this.set(renewals.backlog);
    },
  });
  metrics.gauge({
    name: 'lease_sweeper',
    help: '1 on the node that ends leases, 0 on the others.',
    labelNames: [],
    collect() {
      this.set(isSweeper() ? 1 : 0);
    },
  });
  metrics.gauge({
    name: 'lease_sweep_age_seconds',
    help: 'Time since this node last noticed that any node had looked for leases that are over; not a number before it looked.',
    labelNames: [],
    collect() {
      this.set(sweptSecondsAgo() ?? Number.NaN);
    },
  });
  metrics.gauge({
    name: 'liveness_guards',
    help: 'Guards that keep leases from ending, by scope and reason.',
    labelNames: ['scope', 'reason'],
    collect() {
      this.reset();
      for (const { scope, reason } of guards()) this.inc({ scope: scope.kind, reason });
    },
  });
  metrics.gauge({
    name: 'liveness_guard_held_leases',
    help: 'Leases that have ended or would have, in all scopes that a guard holds.',
    labelNames: [],
    collect() {
      this.set(guards().reduce((sum, { wouldExpire }) => sum + wouldExpire, 0));
    },
  });
}
