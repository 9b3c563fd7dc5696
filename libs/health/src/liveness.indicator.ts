import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { ActiveGuards, LastSweep, ProbeBacklog } from './health-sources.js';

/** Leases are swept once a second. A slow database, or a change of the node that sweeps, may take so long (s). */
const NO_SWEEP_AFTER_SECONDS = 30;

/** Whether any node ends leases. That is never a fault of this node alone, so it is never down. */
@Injectable()
export class LivenessIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly guards: ActiveGuards,
    private readonly sweep: LastSweep,
    private readonly probes: ProbeBacklog,
  ) {}

  /** `state` is `degraded` while a guard prevents leases from ending, or failures of probes from counting; the part is `degraded` while no node ends leases. */
  guarded() {
    const guards = this.guards.current();
    const { sweptSecondsAgo } = this.sweep;
    const lastSweepSecondsAgo = sweptSecondsAgo === undefined ? null : Math.round(sweptSecondsAgo);
    const probes = this.probes.queue();
    const indicator = this.health.check('liveness');
    if (lastSweepSecondsAgo !== null && lastSweepSecondsAgo > NO_SWEEP_AFTER_SECONDS) {
      return indicator.degraded({
        state: 'degraded',
        guards,
        lastSweepSecondsAgo,
        probes,
        message: `No node has ended leases for ${lastSweepSecondsAgo} s: instances that die meanwhile keep their status.`,
      });
    }
    return indicator.up({ state: guards.length > 0 ? 'degraded' : 'normal', guards, lastSweepSecondsAgo, probes });
  }
}
