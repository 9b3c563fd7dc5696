import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { NodeName } from './health-sources.js';

/** Whether this node is known to the others by a name of its own. */
@Injectable()
export class NodeIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly name: NodeName,
  ) {}

  /** Degraded, never down, while another live node uses the same ID: both go on under different names. */
  named() {
    const { nodeId = null, othersOfSameId: sharedWith, complaint } = this.name;
    const indicator = this.health.check('node');
    if (complaint === undefined) return indicator.up({ nodeId, sharedWith });
    return indicator.degraded({ nodeId, sharedWith, message: complaint });
  }
}
