import { Injectable } from '@nestjs/common';
import { Metrics } from '@coordination/observability';
import { type CommandResult } from './requests/write-request.js';

/** Counts registrations by their outcome, for Prometheus. */
@Injectable()
export class RegistrationMetrics {
  private readonly registrations;

  constructor(metrics: Metrics) {
    this.registrations = metrics.counter({
      name: 'registrations_total',
      help: 'Registrations by their outcome.',
      labelNames: ['outcome'],
    });
  }

  registered(outcome: CommandResult['outcome']): void {
    this.registrations.inc({ outcome });
  }
}
