import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Metrics } from '@coordination/observability';
import { SystemNames } from './system-names.js';

/** Observes the look-ups of names. */
@Injectable()
export class NameMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly names: SystemNames,
  ) {}

  onModuleInit(): void {
    this.metrics.observedGauges(
      {
        name: 'name_lookups',
        help: 'Look-ups of names for probes: asked of a name server, or waiting for a place.',
        labelNames: ['state'],
      },
      () => {
        const { inUse, waiting } = this.names.load;
        return [
          { labels: { state: 'asked' }, value: inUse },
          { labels: { state: 'waiting' }, value: waiting },
        ];
      },
    );
  }
}
