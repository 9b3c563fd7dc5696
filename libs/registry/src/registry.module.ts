import { Module } from '@nestjs/common';
import { CatalogModule } from '@coordination/catalog';
import { type Settings, SETTINGS_TOKEN, settingsProvider } from '@coordination/config';
import { LeadershipModule } from '@coordination/leadership';
import { InstancesController } from './api/instances.controller.js';
import { NamedInstancesController } from './api/named-instances.controller.js';
import { RegistrationsController } from './api/registrations.controller.js';
import { ProbePolicy } from './domain/probe-policy.js';
import { EmptyServiceRepository } from './empty-services/empty-service.repository.js';
import { EmptyServicesJob, maxEmptyServices } from './empty-services/empty-services.job.js';
import { AnswerRecall } from './idempotency/answer-recall.js';
import { ExpiredKeysJob } from './idempotency/expired-keys.job.js';
import { answersKeptHours, IdempotencyKeyRepository } from './idempotency/idempotency-key.repository.js';
import { InstanceLeaseRepository } from './leases/instance-lease.repository.js';
import { LastCheckedRecorder } from './leases/last-checked.js';
import { leaseFlushBoundMs, LeaseRenewals } from './leases/lease-renewals.js';
import { UnchangedRegistrations } from './leases/unchanged-registrations.js';
import { RegistrationMetrics } from './registration-metrics.js';
import { RegistryReads } from './registry-reads.service.js';
import { RegistryShutdown } from './registry-shutdown.service.js';
import { RegistryService } from './registry.service.js';
import { ServiceInstanceRepository } from './store/service-instance.repository.js';
import { CatalogWriter } from './write/catalog-writer.js';
import { WRITER_PROVIDERS } from './write/writer.providers.js';

/** The domain has no Nest decorators. */
const probePolicy = {
  provide: ProbePolicy,
  inject: [SETTINGS_TOKEN],
  useFactory: ({ PCS_PROBE_ALLOW }: Settings) => new ProbePolicy(PCS_PROBE_ALLOW),
};

/** Changes the catalog. It needs `DatabaseModule`. */
@Module({
  imports: [CatalogModule, LeadershipModule],
  controllers: [RegistrationsController, InstancesController, NamedInstancesController],
  providers: [
    settingsProvider(answersKeptHours),
    settingsProvider(leaseFlushBoundMs),
    settingsProvider(maxEmptyServices),
    ...WRITER_PROVIDERS,
    probePolicy,
    ServiceInstanceRepository,
    InstanceLeaseRepository,
    IdempotencyKeyRepository,
    EmptyServiceRepository,
    AnswerRecall,
    LeaseRenewals,
    LastCheckedRecorder,
    UnchangedRegistrations,
    RegistrationMetrics,
    RegistryService,
    RegistryReads,
    ExpiredKeysJob,
    EmptyServicesJob,
    RegistryShutdown,
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
