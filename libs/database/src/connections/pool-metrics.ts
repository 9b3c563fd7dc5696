import { type Metrics } from '@coordination/observability';
import { type Databases } from './databases.js';

/** Tells how full the pools of connections are, read whenever the metrics are asked for. */
export function watchPools(metrics: Metrics, databases: Databases): void {
  metrics.gauge({
    name: 'database_connections',
    help: 'Connections to PostgreSQL by purpose; `waiting` counts callers for whom there is none.',
    labelNames: ['purpose', 'state'],
    collect() {
      for (const { purpose, open, idle, waiting } of databases.use()) {
        this.set({ purpose, state: 'used' }, open - idle);
        this.set({ purpose, state: 'idle' }, idle);
        this.set({ purpose, state: 'waiting' }, waiting);
      }
    },
  });
}
