import { Logger, Module } from '@nestjs/common';
import { AuditModule } from '@coordination/audit';
import { CatalogHeadRepository, EpochLogRepository, ReadIndex, ServiceEventRepository } from '@coordination/log';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { RequestContext } from '@coordination/context';
import { Databases, SchemaGate } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import { BackgroundTasks, Metrics } from '@coordination/observability';
import { CatalogMirrorSlot } from '@coordination/catalog';
import { CheckNotes } from './leases/last-checked.js';
import { HistoryGuard } from '@coordination/catalog';
import { HistoryKeeper } from '@coordination/catalog';
import { AnswerRecall } from './idempotency/answer-recall.js';
import { ExpiredKeysJob } from './idempotency/expired-keys.job.js';
import { IdempotencyKeyRepository } from './idempotency/idempotency-key.repository.js';
import { ProbePolicy } from './domain/probe-policy.js';
import { InstanceLeaseRepository } from './leases/instance-lease.repository.js';
import { InstancesController } from './api/instances.controller.js';
import { LeaseRenewals } from './leases/lease-renewals.js';
import { NamedInstancesController } from './api/named-instances.controller.js';
import { measureHistory, registrationMetrics, writerMetrics } from './registry-metrics.js';
import { NodeRoleRepository } from '@coordination/leadership';
import { RegistrationsController } from './api/registrations.controller.js';
import { RegistryService } from './registry.service.js';
import { ServiceInstanceRepository } from './store/service-instance.repository.js';
import { CatalogWriter } from './write/catalog-writer.js';
import { KnownAppendRepository } from './write/optimistic/optimistic-append.repository.js';
import { WriteSideEnd } from './registry-shutdown.service.js';

/** The write side of the catalog. */
@Module({
  imports: [AuditModule],
  controllers: [RegistrationsController, InstancesController, NamedInstancesController],
  providers: [
    { provide: ServiceInstanceRepository, useFactory: () => new ServiceInstanceRepository() },
    { provide: InstanceLeaseRepository, useFactory: () => new InstanceLeaseRepository() },
    { provide: NodeRoleRepository, useFactory: () => new NodeRoleRepository() },
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
    { provide: CatalogMirrorSlot, useFactory: () => new CatalogMirrorSlot() },
    {
      provide: HistoryGuard,
      inject: [CatalogHeadRepository, EpochLogRepository, CatalogMirrorSlot],
      useFactory: (heads: CatalogHeadRepository, epochs: EpochLogRepository, mirror: CatalogMirrorSlot) =>
        new HistoryGuard({ heads, epochs, mirror }),
    },
    {
      provide: HistoryKeeper,
      inject: [Databases, CatalogHeadRepository, ServiceEventRepository, HistoryGuard, Metrics, SETTINGS_TOKEN],
      useFactory: (
        databases: Databases,
        heads: CatalogHeadRepository,
        events: ServiceEventRepository,
        guard: HistoryGuard,
        metrics: Metrics,
        settings: Settings,
      ) => {
        const logger = new Logger('History');
        const tools = { databases, heads, events, guard, clock: systemClock, logger };
        const keeper = new HistoryKeeper(tools, settings.PCS_EPOCH_CONFIRM_MS);
        measureHistory(metrics, keeper);
        return keeper;
      },
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
      provide: CheckNotes,
      inject: [Databases, BackgroundTasks],
      useFactory: (databases: Databases, tasks: BackgroundTasks) =>
        new CheckNotes(databases, systemClock, tasks.task('probe-notes')),
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
        CatalogMirrorSlot,
        HistoryGuard,
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
        mirror: CatalogMirrorSlot,
        history: HistoryGuard,
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
            knownAppends: new KnownAppendRepository(),
            leases,
            roles,
            keys,
            recall,
            mirror,
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
        CatalogMirrorSlot,
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
        mirror: CatalogMirrorSlot,
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
          mirror,
          readIndex,
          databases,
          instances,
          context,
          metrics: registrationMetrics(metrics),
          probePolicy,
        }),
    },
    {
      provide: WriteSideEnd,
      inject: [CatalogWriter, LeaseRenewals, CheckNotes],
      useFactory: (writer: CatalogWriter, renewals: LeaseRenewals, notes: CheckNotes) =>
        new WriteSideEnd(writer, renewals, notes),
    },
  ],
  exports: [
    RegistryService,
    CatalogWriter,
    LeaseRenewals,
    CatalogMirrorSlot,
    ServiceInstanceRepository,
    NodeRoleRepository,
    HistoryKeeper,
    ProbePolicy,
    CheckNotes,
  ],
})
export class RegistryModule {}
