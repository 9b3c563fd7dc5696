import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { LogRoomLeft } from './health-sources.js';

/** Whether the log has room for further events. */
@Injectable()
export class LogIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly log: LogRoomLeft,
  ) {}

  /** Never down: while there is room nothing is wrong, and without room reads still work. */
  room() {
    const indicator = this.health.check('log');
    const { revisions, isNearlyFull } = this.log;
    if (revisions === undefined) return indicator.up();
    return isNearlyFull
      ? indicator.degraded({
          roomRevisions: revisions,
          message: 'The newest partition of the log is nearly full, and there is no next one: writes will fail.',
        })
      : indicator.up({ roomRevisions: revisions });
  }
}
