import { hostname } from 'node:os';
import { Module } from '@nestjs/common';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { Databases, SchemaGate } from '@coordination/database';
import { CatalogView, DiscoveryModule } from '@coordination/discovery';
import { newId, systemClock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import {
  CatalogWriter,
  LeaseRenewals,
  NodeRoleRepository,
  RegistryModule,
  RegistryService,
  ServiceInstanceRepository,
} from '@coordination/registry';
import { GuardOrders } from './guard/guard-orders.service.js';
import { guardRules } from './guard/guard-rules.js';
import { GuardStates } from './guard/guard-states.js';
import { LivenessGuardRepository } from './guard/liveness-guard.repository.js';
import { HeartbeatsController } from './heartbeats.controller.js';
import { HeartbeatsService } from './heartbeats.service.js';
import { NodeRegistration } from './nodes/node-registration.job.js';
import { LivenessOverviewReader } from './liveness-overview.service.js';
import { OverrideEndJob } from './override-end.job.js';
import { OverridesModule } from './overrides/overrides.module.js';
import { Revivals } from './revivals.js';
import { RoleElector } from './roles/role-elector.job.js';
import { EndedLeasesRepository } from './sweep/ended-leases.repository.js';
import { GuardKeeper } from './sweep/guard-keeper.js';
import { LeaseSweep } from './sweep/lease-sweep.js';
import { type SweepMetrics, sweepMetrics, watchLiveness } from './sweep/sweep-metrics.js';
import { SWEEPER_ROLE, SweeperJob } from './sweep/sweeper.job.js';

const SWEEP_METRICS = Symbol('SweepMetrics');

/** Who is alive: heartbeats, leases that end, the guard that keeps too many from ending, overrides that run out. */
@Module({
  imports: [RegistryModule, DiscoveryModule, OverridesModule],
  controllers: [HeartbeatsController],
  providers: [
    {
      provide: HeartbeatsService,
      inject: [CatalogView, RegistryService, LeaseRenewals, Databases, ServiceInstanceRepository],
      useFactory: (
        view: CatalogView,
        registry: RegistryService,
        renewals: LeaseRenewals,
        databases: Databases,
        instances: ServiceInstanceRepository,
      ) => new HeartbeatsService({ view, registry, renewals, databases, instances }),
    },
    {
      provide: NodeRegistration,
      inject: [RegistryService, HeartbeatsService, SchemaGate, SETTINGS_TOKEN],
      useFactory: (registry: RegistryService, heartbeats: HeartbeatsService, gate: SchemaGate, settings: Settings) =>
        new NodeRegistration({
          registry,
          heartbeats,
          ready: gate.opened,
          enabled: settings.PCS_SELF_REGISTRATION,
          ttlSeconds: settings.PCS_NODE_TTL_SECONDS,
        }),
    },
    {
      provide: OverrideEndJob,
      inject: [Databases, ServiceInstanceRepository, CatalogWriter, SchemaGate],
      useFactory: (
        databases: Databases,
        instances: ServiceInstanceRepository,
        writer: CatalogWriter,
        gate: SchemaGate,
      ) => new OverrideEndJob({ databases, instances, writer, ready: gate.opened }),
    },
    { provide: LivenessGuardRepository, useFactory: () => new LivenessGuardRepository() },
    { provide: SWEEP_METRICS, inject: [Metrics], useFactory: (metrics: Metrics) => sweepMetrics(metrics) },
    {
      provide: Revivals,
      inject: [CatalogWriter, LeaseRenewals, SWEEP_METRICS],
      useFactory: (writer: CatalogWriter, renewals: LeaseRenewals, metrics: SweepMetrics) => {
        const revivals = new Revivals({ writer, metrics });
        renewals.onRevived(ids => revivals.revive(ids));
        return revivals;
      },
    },
    {
      provide: GuardStates,
      inject: [Databases, LivenessGuardRepository, SchemaGate],
      useFactory: (databases: Databases, guards: LivenessGuardRepository, gate: SchemaGate) =>
        new GuardStates({ databases, guards, ready: gate.opened }),
    },
    {
      provide: GuardOrders,
      inject: [CatalogWriter, LivenessGuardRepository, SETTINGS_TOKEN],
      useFactory: (writer: CatalogWriter, guards: LivenessGuardRepository, settings: Settings) =>
        new GuardOrders({ writer, guards, rules: guardRules(settings) }),
    },
    {
      provide: LivenessOverviewReader,
      inject: [Databases, NodeRoleRepository, LivenessGuardRepository],
      useFactory: (databases: Databases, roles: NodeRoleRepository, guards: LivenessGuardRepository) =>
        new LivenessOverviewReader({ databases, roles, guards }),
    },
    {
      provide: RoleElector,
      inject: [Databases, NodeRoleRepository, SchemaGate],
      useFactory: (databases: Databases, roles: NodeRoleRepository, gate: SchemaGate) =>
        new RoleElector({
          databases,
          roles,
          clock: systemClock,
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
        settings: Settings,
        gate: SchemaGate,
      ) => {
        watchLiveness(metrics, {
          isSweeper: () => elector.term !== undefined,
          guards: () => states.current(),
          renewals,
        });
        const sweep = new LeaseSweep({
          databases,
          writer,
          roles,
          guards,
          leases: new EndedLeasesRepository(),
          keeper: new GuardKeeper({ databases, writer, guards }),
          metrics: measured,
          rules: guardRules(settings),
          flushBoundMs: settings.PCS_LEASE_FLUSH_BOUND_MS,
        });
        return new SweeperJob({ elector, sweep, metrics: measured, clock: systemClock, ready: gate.opened });
      },
    },
  ],
  exports: [GuardStates, GuardOrders, LivenessOverviewReader],
})
export class LivenessModule {}
