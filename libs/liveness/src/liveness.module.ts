import { Module } from '@nestjs/common';
import { AuditModule } from '@coordination/audit';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { Databases, SchemaGate } from '@coordination/database';
import { CatalogView } from '@coordination/catalog';
import { DiscoveryModule } from '@coordination/discovery';
import { systemClock } from '@coordination/kernel';
import { BackgroundTasks, Metrics } from '@coordination/observability';
import {
  CatalogWriter,
  LeaseRenewals,
  RegistryModule,
  RegistryService,
  ServiceInstanceRepository,
} from '@coordination/registry';
import { LIVENESS_API_PROVIDERS } from './api/liveness-api.providers.js';
import { LivenessController } from './api/liveness.controller.js';
import { ExplainController } from './explain/explain.controller.js';
import { EXPLAIN_PROVIDERS } from './explain/explain.providers.js';
import { HeartbeatsController } from './heartbeats/heartbeats.controller.js';
import { HeartbeatsService } from './heartbeats/heartbeats.service.js';
import { LeaseExpiryModule } from './sweep/lease-expiry.module.js';
import { measureNodeId } from './nodes/node-metrics.js';
import { NodeRegistration } from './nodes/node-registration.job.js';
import { PROBE_PROVIDERS } from './probes/probe.providers.js';
import { ProbeOverview } from './probes/probe-overview.js';
import { OverrideExpiryJob } from './overrides/override-expiry.job.js';
import { OverridesModule } from './overrides/overrides.module.js';

/** Who is alive: heartbeats, probes, leases that end, overrides that run out. */
@Module({
  imports: [AuditModule, RegistryModule, DiscoveryModule, LeaseExpiryModule, OverridesModule],
  controllers: [HeartbeatsController, ExplainController, LivenessController],
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
      inject: [RegistryService, HeartbeatsService, CatalogView, BackgroundTasks, SchemaGate, Metrics, SETTINGS_TOKEN],
      useFactory: (
        registry: RegistryService,
        heartbeats: HeartbeatsService,
        view: CatalogView,
        tasks: BackgroundTasks,
        gate: SchemaGate,
        metrics: Metrics,
        settings: Settings,
      ) => {
        const registration = new NodeRegistration({
          registry,
          heartbeats,
          view,
          clock: systemClock,
          task: tasks.task('node-registration'),
          ready: gate.opened,
          enabled: settings.PCS_SELF_REGISTRATION,
          ttlSeconds: settings.PCS_NODE_TTL_SECONDS,
        });
        measureNodeId(metrics, registration);
        return registration;
      },
    },
    ...PROBE_PROVIDERS,
    ...EXPLAIN_PROVIDERS,
    ...LIVENESS_API_PROVIDERS,
    {
      provide: OverrideExpiryJob,
      inject: [Databases, ServiceInstanceRepository, CatalogWriter, BackgroundTasks, SchemaGate],
      useFactory: (
        databases: Databases,
        instances: ServiceInstanceRepository,
        writer: CatalogWriter,
        tasks: BackgroundTasks,
        gate: SchemaGate,
      ) =>
        new OverrideExpiryJob({ databases, instances, writer, task: tasks.task('override-end'), ready: gate.opened }),
    },
  ],
  exports: [LeaseExpiryModule, ProbeOverview, NodeRegistration],
})
export class LivenessModule {}
