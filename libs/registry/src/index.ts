export { BY_ID, BY_NAME } from './api/instance-naming.js';
export { type InstanceNaming } from './api/instance-routes.js';
export { POSITIONED, WRITE_PROBLEMS, setPosition } from './api/instance-response.js';
export { type Command, type Probed, type RegisterCommand, type Target } from './domain/commands.js';
export { decide } from './domain/decide.js';
export { type Decision, type Moment } from './domain/decision.js';
export { isAnother, resetsHealth } from './domain/endpoint-changes.js';
export { type ProbeVerdict, afterProbe, isProbed, mayHeal } from './domain/health-rules.js';
export { ProbePolicy } from './domain/probe-policy.js';
export { isExpectedStatus } from './domain/spec/expected-statuses.js';
export { EmptyServiceRepository } from './empty-services/empty-service.repository.js';
export { EmptyServicesJob } from './empty-services/empty-services.job.js';
export { REGISTRY_ENTITIES } from './entities.js';
export { AnswerRecall } from './idempotency/answer-recall.js';
export { IdempotencyKeyRepository } from './idempotency/idempotency-key.repository.js';
export { InstanceLeaseRepository, leaseOverAt } from './leases/instance-lease.repository.js';
export { LastCheckedRecorder } from './leases/last-checked.js';
export { LeaseRenewals } from './leases/lease-renewals.js';
export { RegistryModule } from './registry.module.js';
export { RegistryService } from './registry.service.js';
export {
  type NamedInstance,
  incarnationEndedIds,
  namedInstances,
  toNamedInstances,
} from './requests/named-instances.schemas.js';
export { registration } from './requests/registration.js';
export {
  type IdParams,
  type IncarnationQuery,
  type NameParams,
  type NamespaceQuery,
  type SetOverride,
  setOverride,
} from './requests/registry.schemas.js';
export { type CommandResult, type SystemEvent, type WriteRequest, type WriteResult } from './requests/write-request.js';
export { ServiceInstanceRepository } from './store/service-instance.repository.js';
export { CatalogWriter, type CatalogWriterOptions, type CatalogWriterTools } from './write/catalog-writer.js';
export { OptimisticAppendRepository } from './write/optimistic/optimistic-append.repository.js';
export { type AppendWay } from './write/writer-metrics.js';
