import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { ActiveGuards, LastSweep } from './health-sources.js';

/** Leases are looked at once a second. For so long (s) a slow database, or a change of the node that does it, may take. */
const NOBODY_SWEEPS_AFTER_SECONDS = 30;

/** Whether leases end as they should, on whatever node. None of it is a fault of this node alone, so it is never down. */
@Injectable()
export class LivenessIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly guards: ActiveGuards,
    private readonly sweep: LastSweep,
  ) {}

  /** `state` is `degraded` while a guard keeps leases from ending; the part itself is, while no node ends leases. */
  guarded() {
    const guards = this.guards.current();
    const { sweptSecondsAgo } = this.sweep;
    const lastSweepSecondsAgo = sweptSecondsAgo === undefined ? null : Math.round(sweptSecondsAgo);
    const indicator = this.health.check('liveness');
    if (lastSweepSecondsAgo !== null && lastSweepSecondsAgo > NOBODY_SWEEPS_AFTER_SECONDS) {
      return indicator.degraded({
        state: 'degraded',
        guards,
        lastSweepSecondsAgo,
        message: `No node has ended leases for ${lastSweepSecondsAgo} s: instances that die meanwhile keep their status.`,
      });
    }
    return indicator.up({ state: guards.length > 0 ? 'degraded' : 'normal', guards, lastSweepSecondsAgo });
  }
}
