import { Injectable, type OnModuleInit } from '@nestjs/common';
import { RoleElector } from '@coordination/leadership';
import { Metrics } from '@coordination/observability';
import { LeaseRenewals } from '@coordination/registry';

const SWEEP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Metrics of renewals and of the end of leases. */
@Injectable()
export class SweepMetrics implements OnModuleInit {
  private readonly duration;
  private readonly ended;
  private readonly lateRenewals;

  constructor(
    private readonly metrics: Metrics,
    private readonly elector: RoleElector,
    private readonly renewals: LeaseRenewals,
  ) {
    this.duration = metrics.histogram({
      name: 'lease_sweep_duration_seconds',
      help: 'Time that a sweep took: looking for expired leases, and ending them; on the node that does it.',
      labelNames: ['outcome'],
      buckets: SWEEP_SECONDS,
    });
    this.ended = metrics.counter({
      name: 'lease_expirations_total',
      help: 'Instances that became unhealthy because their lease ended (lapsed), or were deregistered for it (deregistered).',
      labelNames: ['stage'],
    });
    this.lateRenewals = metrics.counter({
      name: 'lease_revivals_total',
      help: 'Leases whose renewal was stored just after their end had been acted on; the instance is healed at once.',
      labelNames: [],
    });
    for (const stage of ['lapsed', 'deregistered']) this.ended.inc({ stage }, 0);
  }

  onModuleInit(): void {
    const { metrics, elector, renewals } = this;
    metrics.observedCounter('lease_renewals_total', 'Renewals that were stored in the database.', () => renewals.noted);
    metrics.observedGauge(
      'lease_renewals_waiting',
      'Renewals that were taken and are not stored yet.',
      () => renewals.backlog,
    );
    metrics.observedGauge('lease_sweeper', '1 on the node that ends leases, 0 on the others.', () =>
      elector.term === undefined ? 0 : 1,
    );
    metrics.observedGauge(
      'lease_sweep_age_seconds',
      'Time since this node last noticed that any node had swept; not a number before it looked.',
      () => elector.workedSecondsAgo ?? Number.NaN,
    );
  }

  /** Starts to measure a sweep. @returns is to be called at its end */
  startSweep(): (outcome: 'done' | 'failed') => void {
    const end = this.duration.startTimer();
    return outcome => void end({ outcome });
  }

  /** Instances became unhealthy because their lease ended, or were deregistered for it. */
  expired(stage: 'lapsed' | 'deregistered', count: number): void {
    this.ended.inc({ stage }, count);
  }

  /** Leases were renewed whose end had just been acted on. */
  renewedLate(count: number): void {
    this.lateRenewals.inc(count);
  }
}
