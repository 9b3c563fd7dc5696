import { type Metrics } from '@coordination/observability';
import { type NodeRegistration } from './node-registration.job.js';

/** Tells whether the ID of this node is its own alone. */
export function measureNodeId(metrics: Metrics, registration: Pick<NodeRegistration, 'othersOfSameId'>): void {
  metrics.gauge({
    name: 'node_id_shared_with',
    help: 'Other live nodes that use the ID of this node (PCS_NODE_ID); 0 normally.',
    labelNames: [],
    collect() {
      this.set(registration.othersOfSameId.length);
    },
  });
}
