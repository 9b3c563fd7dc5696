import { Metrics } from '@coordination/observability';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Databases } from './databases.js';

/** Exports how full the pools of connections are. */
@Injectable()
export class PoolMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly databases: Databases,
  ) {}

  onModuleInit(): void {
    this.metrics.observedGauges(
      {
        name: 'database_connections',
        help: 'Connections to PostgreSQL by purpose; `waiting` counts callers that wait for one.',
        labelNames: ['purpose', 'state'],
      },
      () =>
        this.databases.use().flatMap(({ purpose, open, idle, waiting }) => [
          { labels: { purpose, state: 'used' }, value: open - idle },
          { labels: { purpose, state: 'idle' }, value: idle },
          { labels: { purpose, state: 'waiting' }, value: waiting },
        ]),
    );
  }
}
