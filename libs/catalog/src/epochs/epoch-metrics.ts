import { type Metrics } from '@coordination/observability';
import { type EpochManager } from './epoch-manager.js';

/** Whether this node is in doubt about the history, for Prometheus. */
export function measureHistory(metrics: Metrics, keeper: EpochManager): void {
  metrics.gauge({
    name: 'history_undecided_seconds',
    help: 'For how long this node has been waiting for another one to confirm the history; 0 normally.',
    labelNames: [],
    collect() {
      this.set(keeper.undecidedSeconds ?? 0);
    },
  });
}
