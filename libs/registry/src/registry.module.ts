import { Module } from '@nestjs/common';
import { CatalogModule, CatalogView, HistoryCheck, LocalCatalog } from '@coordination/catalog';
import { LeadershipModule, NodeRoleRepository } from '@coordination/leadership';
import { CatalogHeadRepository, ReadIndex, ServiceEventRepository } from '@coordination/log';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { RequestContext } from '@coordination/context';
import { Databases, SchemaGate } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import { BackgroundTasks, Metrics } from '@coordination/observability';
import { EmptyServiceRepository } from './empty-services/empty-service.repository.js';
import { EmptyServicesJob } from './empty-services/empty-services.job.js';
import { LastCheckedRecorder } from './leases/last-checked.js';
import { AnswerRecall } from './idempotency/answer-recall.js';
import { ExpiredKeysJob } from './idempotency/expired-keys.job.js';
import { IdempotencyKeyRepository } from './idempotency/idempotency-key.repository.js';
import { ProbePolicy } from './domain/probe-policy.js';
import { InstanceLeaseRepository } from './leases/instance-lease.repository.js';
import { InstancesController } from './api/instances.controller.js';
import { LeaseRenewals } from './leases/lease-renewals.js';
import { NamedInstancesController } from './api/named-instances.controller.js';
import { registrationMetrics, writerMetrics } from './registry-metrics.js';
import { RegistrationsController } from './api/registrations.controller.js';
import { RegistryService } from './registry.service.js';
import { ServiceInstanceRepository } from './store/service-instance.repository.js';
import { CatalogWriter } from './write/catalog-writer.js';
import { OptimisticAppendRepository } from './write/optimistic/optimistic-append.repository.js';
import { RegistryShutdown } from './registry-shutdown.service.js';

/** The write side of the catalog. */
@Module({
  imports: [CatalogModule, LeadershipModule],
  controllers: [RegistrationsController, InstancesController, NamedInstancesController],
  providers: [
    { provide: ServiceInstanceRepository, useFactory: () => new ServiceInstanceRepository() },
    { provide: InstanceLeaseRepository, useFactory: () => new InstanceLeaseRepository() },
    {
      provide: IdempotencyKeyRepository,
      inject: [SETTINGS_TOKEN],
      useFactory: (settings: Settings) => new IdempotencyKeyRepository(settings.PCS_IDEMPOTENCY_KEEP_HOURS),
    },
    {
      provide: ExpiredKeysJob,
      inject: [Databases, IdempotencyKeyRepository, BackgroundTasks, SchemaGate],
      useFactory: (databases: Databases, keys: IdempotencyKeyRepository, tasks: BackgroundTasks, gate: SchemaGate) =>
        new ExpiredKeysJob({ databases, keys, task: tasks.task('idempotency-key-expiry'), ready: gate.opened }),
    },
    {
      provide: ProbePolicy,
      inject: [SETTINGS_TOKEN],
      useFactory: (settings: Settings) => new ProbePolicy(settings.PCS_PROBE_ALLOW),
    },
    {
      provide: LeaseRenewals,
      inject: [Databases, InstanceLeaseRepository, BackgroundTasks, SchemaGate, SETTINGS_TOKEN],
      useFactory: (
        databases: Databases,
        leases: InstanceLeaseRepository,
        tasks: BackgroundTasks,
        gate: SchemaGate,
        settings: Settings,
      ) => {
        const renewals = new LeaseRenewals(
          { databases, leases, clock: systemClock, task: tasks.task('lease-flush') },
          settings.PCS_LEASE_FLUSH_BOUND_MS,
        );
        void gate.opened.then(() => renewals.getReady());
        return renewals;
      },
    },
    {
      provide: LastCheckedRecorder,
      inject: [Databases, BackgroundTasks],
      useFactory: (databases: Databases, tasks: BackgroundTasks) =>
        new LastCheckedRecorder(databases, systemClock, tasks.task('probe-notes')),
    },
    {
      provide: CatalogWriter,
      inject: [
        Databases,
        CatalogHeadRepository,
        ServiceEventRepository,
        ServiceInstanceRepository,
        InstanceLeaseRepository,
        NodeRoleRepository,
        IdempotencyKeyRepository,
        LocalCatalog,
        HistoryCheck,
        Metrics,
        SETTINGS_TOKEN,
      ],
      useFactory: (
        databases: Databases,
        heads: CatalogHeadRepository,
        events: ServiceEventRepository,
        instances: ServiceInstanceRepository,
        leases: InstanceLeaseRepository,
        roles: NodeRoleRepository,
        keys: IdempotencyKeyRepository,
        catalog: LocalCatalog,
        history: HistoryCheck,
        metrics: Metrics,
        settings: Settings,
      ) => {
        const measured = writerMetrics(metrics);
        const recall = new AnswerRecall({ databases, events });
        const writer = new CatalogWriter(
          {
            databases,
            heads,
            events,
            instances,
            knownAppends: new OptimisticAppendRepository(),
            leases,
            roles,
            keys,
            recall,
            catalog,
            history,
            clock: systemClock,
            metrics: measured,
          },
          {
            maxBatchChanges: settings.PCS_WRITE_BATCH_MAX,
            maxQueuedCommands: settings.PCS_WRITE_QUEUE_MAX,
            headHoldLimitMs: settings.PCS_HEAD_HOLD_LIMIT_MS,
          },
        );
        measured.watchQueue(() => writer.queueLength);
        return writer;
      },
    },
    {
      provide: RegistryService,
      inject: [
        CatalogWriter,
        LeaseRenewals,
        LocalCatalog,
        ReadIndex,
        Databases,
        ServiceInstanceRepository,
        RequestContext,
        Metrics,
        ProbePolicy,
      ],
      useFactory: (
        writer: CatalogWriter,
        renewals: LeaseRenewals,
        catalog: LocalCatalog,
        readIndex: ReadIndex,
        databases: Databases,
        instances: ServiceInstanceRepository,
        context: RequestContext,
        metrics: Metrics,
        probePolicy: ProbePolicy,
      ) =>
        new RegistryService({
          writer,
          renewals,
          catalog,
          readIndex,
          databases,
          instances,
          context,
          metrics: registrationMetrics(metrics),
          probePolicy,
        }),
    },
    {
      provide: EmptyServicesJob,
      inject: [CatalogView, CatalogWriter, BackgroundTasks, SETTINGS_TOKEN],
      useFactory: (view: CatalogView, writer: CatalogWriter, tasks: BackgroundTasks, settings: Settings) =>
        new EmptyServicesJob({
          view,
          writer,
          services: new EmptyServiceRepository(),
          max: settings.PCS_EMPTY_SERVICES_MAX,
          task: tasks.task('empty-services'),
        }),
    },
    {
      provide: RegistryShutdown,
      inject: [CatalogWriter, LeaseRenewals, LastCheckedRecorder],
      useFactory: (writer: CatalogWriter, renewals: LeaseRenewals, notes: LastCheckedRecorder) =>
        new RegistryShutdown(writer, renewals, notes),
    },
  ],
  exports: [
    CatalogModule,
    LeadershipModule,
    RegistryService,
    CatalogWriter,
    LeaseRenewals,
    ServiceInstanceRepository,
    ProbePolicy,
    LastCheckedRecorder,
  ],
})
export class RegistryModule {}
