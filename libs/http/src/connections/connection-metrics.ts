import { Injectable } from '@nestjs/common';
import { Metrics } from '@coordination/observability';
import { type CrowdedEvent } from './connection-lines.js';
import { ServerConnections } from './server-connections.js';

/** The metrics of the connections of clients. */
@Injectable()
export class ConnectionMetrics {
  constructor(connections: ServerConnections, metrics: Metrics) {
    metrics.observedGauges(
      {
        name: 'http_connections',
        help: 'Open connections of clients: with a request under way (busy; waiting reads and watches are), or without (idle).',
        labelNames: ['state'],
      },
      () => {
        const { open, idle } = connections.state;
        return [
          { labels: { state: 'busy' }, value: open - idle },
          { labels: { state: 'idle' }, value: idle },
        ];
      },
    );
    metrics.observedGauge(
      'http_connections_max',
      'The most connections of clients that may be open.',
      () => connections.state.max,
    );
    const crowded = (event: CrowdedEvent) =>
      Object.entries(connections.state.crowded[event]).map(([limit, value]) => ({ labels: { limit }, value }));
    metrics.observedCounters(
      {
        name: 'http_connections_closed_total',
        help: 'Idle connections that were closed for new ones, by the limit that was reached: of all, or of one address.',
        labelNames: ['limit'],
      },
      () => crowded('closed'),
    );
    metrics.observedCounters(
      {
        name: 'http_connections_refused_total',
        help: 'New connections that were refused because none was idle, by the limit that was reached: of all, or of one address.',
        labelNames: ['limit'],
      },
      () => crowded('refused'),
    );
  }
}
