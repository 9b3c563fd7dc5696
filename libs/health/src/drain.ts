import { setTimeout as delay } from 'node:timers/promises';
import { type HealthIndicatorService } from '@nestjs/terminus';

/**
 * The first step of the end: readiness says so while everything still works. Terminus would say it too, but only when
 * Nest's hooks have come to it, behind those of modules that wait for requests that take long.
 */
export class Drain {
  private begun = false;

  constructor(
    private readonly health: HealthIndicatorService,
    private readonly waitMs: number,
  ) {}

  /**
   * Turns readiness to 503. Returns when load balancers had their time to notice; at once when it was not a supervisor
   * who ends the process.
   */
  async begin(signal: string | undefined): Promise<void> {
    this.begun = true;
    if (signal === 'SIGTERM' && this.waitMs > 0) await delay(this.waitMs);
  }

  /** Down from the moment on which the service is told to end. */
  accepting() {
    const indicator = this.health.check('service');
    return this.begun ? indicator.down('The service is shutting down.') : indicator.up();
  }
}
