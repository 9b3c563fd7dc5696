import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { type Settings } from '@coordination/config';

const MILLISECONDS = 1000;

/** How long the service still accepts requests after readiness has turned 503. */
export const drainSettings = ({ PCS_SHUTDOWN_DRAIN_SECONDS }: Pick<Settings, 'PCS_SHUTDOWN_DRAIN_SECONDS'>) => ({
  waitMs: PCS_SHUTDOWN_DRAIN_SECONDS * MILLISECONDS,
});

/**
 * The first step of a shutdown: readiness turns 503 while everything still works. Terminus would report it too, but only
 * when its shutdown hook is called, which is after those of modules that wait for long requests.
 */
@Injectable()
export class Drain {
  private begun = false;

  constructor(
    private readonly health: HealthIndicatorService,
    @Inject(drainSettings) private readonly settings: ReturnType<typeof drainSettings>,
  ) {}

  /**
   * Turns readiness to 503. With SIGTERM, which supervisors send, it returns when load balancers have had time to notice;
   * else at once.
   */
  async begin(signal: string | undefined): Promise<void> {
    this.begun = true;
    if (signal === 'SIGTERM' && this.settings.waitMs > 0) await delay(this.settings.waitMs);
  }

  /** Down from the beginning of the shutdown. */
  accepting() {
    const indicator = this.health.check('service');
    return this.begun ? indicator.down('The service is shutting down.') : indicator.up();
  }
}
