import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { BackgroundTasks } from '@coordination/observability';
import { StallWatch } from '@coordination/scheduling';
import { NodeName, WriteQueueLength } from './health-sources.js';

/** Injection token of the version of the service. */
export const SERVICE_VERSION = Symbol('service version');

/** The state of this node alone: its name, its background tasks, its write queue and its process. It is never down. */
@Injectable()
export class NodeIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly name: NodeName,
    private readonly backgroundTasks: BackgroundTasks,
    private readonly writeQueue: WriteQueueLength,
    @Inject(SERVICE_VERSION) private readonly version: string,
    private readonly stallWatch: StallWatch,
  ) {}

  /** `stalls`: times in which the event loop of this process ran nothing. Degraded while another live node uses the same ID: both continue under different names. */
  named() {
    const { nodeId = null, othersOfSameId: sharedWith, complaint } = this.name;
    const indicator = this.health.check('node');
    const stalls = this.stallWatch.overview();
    if (complaint === undefined) return indicator.up({ nodeId, sharedWith, stalls });
    return indicator.degraded({ nodeId, sharedWith, stalls, message: complaint });
  }

  /**
   * Degraded while a task fails repeatedly. Tasks fail because of what all nodes share (the database, privileges), and a
   * node that cannot do them still answers from memory.
   */
  tasks() {
    const indicator = this.health.check('tasks');
    const failing = this.backgroundTasks.troubles();
    if (failing.length === 0) return indicator.up({ failing });
    const names = failing.map(({ task }) => task).join(', ');
    return indicator.degraded({ failing, message: `These background tasks fail again and again, or hang: ${names}.` });
  }

  writer() {
    return this.health.check('writer').up({ queueLength: this.writeQueue.queueLength });
  }

  process() {
    const uptimeSeconds = Math.floor(process.uptime());
    return this.health.check('process').up({ version: this.version, uptimeSeconds, node: process.version });
  }
}
