import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { WriteQueueLength } from './health-sources.js';

/** Injection token of the version of the service. */
export const SERVICE_VERSION = Symbol('service version');

/** What people want to know of the process; none of it makes it unhealthy. */
@Injectable()
export class ProcessIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly writer: WriteQueueLength,
    @Inject(SERVICE_VERSION) private readonly version: string,
  ) {}

  queue() {
    return this.health.check('writer').up({ queueLength: this.writer.queueLength });
  }

  process() {
    const uptimeSeconds = Math.floor(process.uptime());
    return this.health.check('process').up({ version: this.version, uptimeSeconds, node: process.version });
  }
}
