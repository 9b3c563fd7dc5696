import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Metrics } from '@coordination/observability';
import { NodeRegistration } from './node-registration.job.js';

/** Observes whether other nodes use the ID of this node. */
@Injectable()
export class NodeMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly registration: NodeRegistration,
  ) {}

  onModuleInit(): void {
    this.metrics.observedGauge(
      'node_id_shared_with',
      'Other live nodes that use the ID of this node (PCS_NODE_ID); 0 normally.',
      () => this.registration.othersOfSameId.length,
    );
  }
}
