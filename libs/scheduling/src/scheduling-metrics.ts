import { Injectable } from '@nestjs/common';
import { Metrics, type Sample } from '@coordination/observability';
import { LoopDelay } from './loop-delay.js';
import { type ClassUse, Scheduler } from './scheduler.js';
import { WORK_CLASSES } from './work-class.js';

const MILLISECONDS = 1e3;

const CLASS = ['class'] as const;

/** Metrics of the scheduler and of the event loop. */
@Injectable()
export class SchedulingMetrics {
  constructor(
    metrics: Metrics,
    private readonly scheduler: Scheduler,
    private readonly loopDelay: LoopDelay,
  ) {
    metrics.observedCounters(
      {
        name: 'work_slices_total',
        help: 'Pieces of work that ran in slices of the scheduler, by class of work.',
        labelNames: CLASS,
      },
      () => this.samples(use => use.pieces),
    );
    metrics.observedCounters(
      {
        name: 'work_seconds_total',
        help: 'Time that work in slices of the scheduler took, by class of work.',
        labelNames: CLASS,
      },
      () => this.samples(use => use.spentMs / MILLISECONDS),
    );
    metrics.observedCounters(
      {
        name: 'work_overlong_slices_total',
        help: 'Pieces of work that took longer than 8 ms, twice a slice, by class of work.',
        labelNames: CLASS,
      },
      () => this.samples(use => use.overlong),
    );
    metrics.observedGauges(
      {
        name: 'work_slices_waiting',
        help: 'Pieces of work that wait for a slice of the scheduler, by class of work.',
        labelNames: CLASS,
      },
      () => WORK_CLASSES.map(name => ({ labels: { class: name }, value: scheduler.waiting(name) })),
    );
    metrics.observedGauges(
      {
        name: 'event_loop_delay_seconds',
        help: 'How late the event loop ran what was due, since these metrics were last collected. Quantile 1 is the longest delay.',
        labelNames: ['quantile'],
      },
      () => this.delays(),
    );
    metrics.observedCounter(
      'event_loop_stalls_total',
      'Times that the event loop ran nothing for 100 ms or longer.',
      () => loopDelay.stallCount,
    );
    metrics.observedCounter(
      'event_loop_stalled_seconds_total',
      'For how long the event loop ran nothing, in all stalls of 100 ms or longer.',
      () => loopDelay.stalledMs / MILLISECONDS,
    );
  }

  private samples(valueOf: (use: ClassUse) => number): Sample<'class'>[] {
    return WORK_CLASSES.map(name => ({ labels: { class: name }, value: valueOf(this.scheduler.use(name)) }));
  }

  private delays(): Sample<'quantile'>[] {
    const { p50, p99, longest } = this.loopDelay.takeDelays();
    return [delayAt('0.5', p50), delayAt('0.99', p99), delayAt('1', longest)];
  }
}

const delayAt = (quantile: string, ms: number) => ({ labels: { quantile }, value: ms / MILLISECONDS });
