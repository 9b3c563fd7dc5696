import { hostname } from 'node:os';
import { Module } from '@nestjs/common';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { Databases, SchemaGate } from '@coordination/database';
import { newId, systemClock } from '@coordination/kernel';
import { BackgroundTasks, Metrics } from '@coordination/observability';
import { CatalogWriter, LeaseRenewals, RegistryModule } from '@coordination/registry';
import { NodeRoleRepository, RoleElector } from '@coordination/leadership';
import { GuardOverrides } from '../guard/guard-overrides.service.js';
import { guardRules } from '../guard/guard-rules.js';
import { GuardStates } from '../guard/guard-states.js';
import { LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { LivenessOverviewReader } from './liveness-overview.service.js';
import { LateRenewals } from './late-renewals.js';
import { EndedLeasesRepository } from './ended-leases.repository.js';
import { GuardRecorder } from './guard-recorder.js';
import { LeaseSweep } from './lease-sweep.js';
import { Redating } from './redating.js';
import { type SweepMetrics, sweepMetrics, watchLiveness } from './sweep-metrics.js';
import { SWEEPER_ROLE, SweeperJob } from './sweeper.job.js';

const SWEEP_METRICS = Symbol('SweepMetrics');

/** The end of leases: who acts on it, what is done, and the guard that keeps it from being done to too many at once. */
@Module({
  imports: [RegistryModule],
  providers: [
    { provide: LivenessGuardRepository, useFactory: () => new LivenessGuardRepository() },
    { provide: SWEEP_METRICS, inject: [Metrics], useFactory: (metrics: Metrics) => sweepMetrics(metrics) },
    {
      provide: LateRenewals,
      inject: [CatalogWriter, LeaseRenewals, SWEEP_METRICS, BackgroundTasks],
      useFactory: (writer: CatalogWriter, renewals: LeaseRenewals, metrics: SweepMetrics, tasks: BackgroundTasks) => {
        const revivals = new LateRenewals({ writer, metrics, task: tasks.task('lease-revival') });
        renewals.onRevived(ids => revivals.revive(ids));
        return revivals;
      },
    },
    {
      provide: GuardStates,
      inject: [Databases, LivenessGuardRepository, BackgroundTasks, SchemaGate],
      useFactory: (databases: Databases, guards: LivenessGuardRepository, tasks: BackgroundTasks, gate: SchemaGate) =>
        new GuardStates({ databases, guards, task: tasks.task('guard-watch'), ready: gate.opened }),
    },
    {
      provide: GuardOverrides,
      inject: [CatalogWriter, LivenessGuardRepository, SETTINGS_TOKEN],
      useFactory: (writer: CatalogWriter, guards: LivenessGuardRepository, settings: Settings) =>
        new GuardOverrides({ writer, guards, rules: guardRules(settings) }),
    },
    {
      provide: LivenessOverviewReader,
      inject: [Databases, NodeRoleRepository, LivenessGuardRepository],
      useFactory: (databases: Databases, roles: NodeRoleRepository, guards: LivenessGuardRepository) =>
        new LivenessOverviewReader({ databases, roles, guards }),
    },
    {
      provide: RoleElector,
      inject: [Databases, NodeRoleRepository, BackgroundTasks, SchemaGate],
      useFactory: (databases: Databases, roles: NodeRoleRepository, tasks: BackgroundTasks, gate: SchemaGate) =>
        new RoleElector({
          databases,
          roles,
          clock: systemClock,
          task: tasks.task('role-election'),
          role: SWEEPER_ROLE,
          holder: `${hostname()}/${newId()}`,
          ready: gate.opened,
        }),
    },
    {
      provide: SweeperJob,
      inject: [
        Databases,
        CatalogWriter,
        NodeRoleRepository,
        LivenessGuardRepository,
        RoleElector,
        GuardStates,
        LeaseRenewals,
        SWEEP_METRICS,
        Metrics,
        BackgroundTasks,
        SETTINGS_TOKEN,
        SchemaGate,
      ],
      useFactory: (
        databases: Databases,
        writer: CatalogWriter,
        roles: NodeRoleRepository,
        guards: LivenessGuardRepository,
        elector: RoleElector,
        states: GuardStates,
        renewals: LeaseRenewals,
        measured: SweepMetrics,
        metrics: Metrics,
        tasks: BackgroundTasks,
        settings: Settings,
        gate: SchemaGate,
      ) => {
        watchLiveness(metrics, {
          isSweeper: () => elector.term !== undefined,
          sweptSecondsAgo: () => elector.sweptSecondsAgo,
          guards: () => states.current(),
          renewals,
        });
        const leases = new EndedLeasesRepository();
        const terms = { rules: guardRules(settings), flushBoundMs: settings.PCS_LEASE_FLUSH_BOUND_MS };
        const sweep = new LeaseSweep({
          databases,
          writer,
          roles,
          guards,
          leases,
          keeper: new GuardRecorder({ databases, writer, guards }),
          redating: new Redating({ databases, leases, guards, ...terms }),
          metrics: measured,
          ...terms,
        });
        const task = tasks.task('lease-sweep');
        return new SweeperJob({ elector, sweep, metrics: measured, clock: systemClock, task, ready: gate.opened });
      },
    },
  ],
  exports: [GuardStates, GuardOverrides, LivenessOverviewReader, RoleElector],
})
export class LeaseExpiryModule {}
