import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { ActiveGuards } from './health-sources.js';

/** Whether leases end as they should. A guard is no fault of this node, so it never makes it unhealthy. */
@Injectable()
export class LivenessIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly guards: ActiveGuards,
  ) {}

  /** Up always; `degraded` while a guard keeps leases from ending. */
  guarded() {
    const guards = this.guards.current();
    return this.health.check('liveness').up({ state: guards.length > 0 ? 'degraded' : 'normal', guards });
  }
}
