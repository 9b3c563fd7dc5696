import { Module } from '@nestjs/common';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { Databases, SchemaGate } from '@coordination/database';
import { CatalogView, DiscoveryModule } from '@coordination/discovery';
import {
  CatalogWriter,
  LeaseRenewals,
  RegistryModule,
  RegistryService,
  ServiceInstanceRepository,
} from '@coordination/registry';
import { LivenessApiModule } from './api/liveness-api.module.js';
import { ExplainModule } from './explain/explain.module.js';
import { HeartbeatsController } from './heartbeats.controller.js';
import { HeartbeatsService } from './heartbeats.service.js';
import { LeaseEndModule } from './lease-end.module.js';
import { NodeRegistration } from './nodes/node-registration.job.js';
import { PROBE_PROVIDERS } from './probes/probe.providers.js';
import { ProbeOverview } from './probes/probe-overview.js';
import { OverrideEndJob } from './override-end.job.js';
import { OverridesModule } from './overrides/overrides.module.js';

/** Who is alive: heartbeats, probes, leases that end, overrides that run out. */
@Module({
  imports: [RegistryModule, DiscoveryModule, LeaseEndModule, OverridesModule, ExplainModule, LivenessApiModule],
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
    ...PROBE_PROVIDERS,
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
  ],
  exports: [LeaseEndModule, ProbeOverview],
})
export class LivenessModule {}
