import { Module } from '@nestjs/common';
import { settingsProvider } from '@coordination/config';
import { LeadershipModule } from '@coordination/leadership';
import { RegistryModule } from '@coordination/registry';
import { GuardOverrides } from '../guard/guard-overrides.service.js';
import { expiryRules, guardRules } from '../guard/guard-rules.js';
import { GuardStates } from '../guard/guard-states.js';
import { LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { RecentEvictions } from '../guard/recent-evictions.js';
import { EndedLeasesRepository } from './ended-leases.repository.js';
import { ExpiryPlanner } from './expiry-planner.js';
import { GuardRecorder } from './guard-recorder.js';
import { LateRenewals } from './late-renewals.js';
import { LeaseExpirer } from './lease-expirer.js';
import { LeaseSweep } from './lease-sweep.js';
import { LivenessOverviewReader } from './liveness-overview.service.js';
import { Redating } from './redating.js';
import { SweepMetrics } from './sweep-metrics.js';
import { SWEEPER_ROLE } from './sweeper-role.js';
import { SweeperJob } from './sweeper.job.js';

/** The end of leases, and the guard that prevents that too many end at once. */
@Module({
  imports: [RegistryModule, LeadershipModule.forRole(SWEEPER_ROLE)],
  providers: [
    settingsProvider(guardRules),
    settingsProvider(expiryRules),
    LivenessGuardRepository,
    EndedLeasesRepository,
    GuardStates,
    GuardOverrides,
    GuardRecorder,
    RecentEvictions,
    Redating,
    ExpiryPlanner,
    LeaseExpirer,
    LeaseSweep,
    SweepMetrics,
    SweeperJob,
    LateRenewals,
    LivenessOverviewReader,
  ],
  exports: [
    guardRules,
    expiryRules,
    LivenessGuardRepository,
    GuardStates,
    GuardOverrides,
    LivenessOverviewReader,
    SweeperJob,
    LeadershipModule,
  ],
})
export class LeaseExpiryModule {}
