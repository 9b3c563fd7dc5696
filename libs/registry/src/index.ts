export { CheckNotes } from './check-notes.js';
export { CatalogMirrorSlot, type CatalogMirror } from './catalog-mirror.js';
export {
  HEALTH_DECIDERS,
  HEALTH_STATES,
  identityKey,
  specOf,
  identityOf,
  INITIAL_STATES,
  INSTANCE_TYPES,
  OVERRIDE_SCOPES,
  OVERRIDE_STATUSES,
  SCHEMES,
  scopeOf,
  STATUSES,
  type Check,
  type Endpoint,
  type GrpcCheck,
  type HttpCheck,
  type Health,
  type HealthState,
  type InstanceIdentity,
  type InstanceRecord,
  type InstanceSpec,
  type InstanceType,
  type JsonObject,
  type JsonValue,
  type Lease,
  type LeasedInstance,
  type Override,
  type ProbedCheck,
  type Scheme,
  type Status,
  type TcpCheck,
} from './domain/instance.js';
export {
  afterEvent,
  normalizeRecord,
  toInstanceView,
  toOverrideView,
  toStored,
  type InstanceView,
  type OverrideView,
  type StoredRecord,
} from './domain/normalize-record.js';
export { type Command, type Probed, type RegisterCommand, type Target } from './domain/commands.js';
export { type InstanceTest } from './domain/instance-test.js';
export { decide } from './domain/decide.js';
export { type Decision, type Moment } from './domain/decision.js';
export {
  healthDeciderSchema,
  healthStateSchema,
  instanceTypeSchema,
  overrideScopeSchema,
  overrideStatusSchema,
  statusSchema,
} from './domain/enum.schemas.js';
export { hostFilterSchema } from './domain/host.schema.js';
export {
  AHEAD_TOLERANCE_MS,
  expiresAt,
  goesAt,
  hasLapsed,
  isAhead,
  overAt,
  type LeaseAllowance,
} from './domain/lease.js';
export {
  emptyServicesDroppedBy,
  toEmptyServicesDropped,
  type EmptyServicesDropped,
} from './empty-services/empty-services-dropped.js';
export { EmptyServiceRepository } from './empty-services/empty-service.repository.js';
export { EVERY_OTHER_NAMESPACE, type NamespaceFloor } from './empty-services/namespace-floor.entity.js';
export { HistoryGuard, type HistoryGuardTools } from './epoch/history-guard.js';
export { HistoryKeeper, type HistoryKeeperTools, type HistoryLog, type Settled } from './epoch/history-keeper.js';
export { InstanceLeaseRepository, leaseOverAt } from './instance-lease.repository.js';
export { isAnother, startsOver } from './domain/endpoint-changes.js';
export { isCurrent } from './domain/incarnation.js';
export { isExpectedStatus } from './domain/expected-statuses.js';
export { afterProbe, isProbed, mayHeal, type ProbeVerdict } from './domain/health-rules.js';
export { ProbePolicy } from './domain/probe-policy.js';
export { BY_ID, BY_NAME } from './instance-naming.js';
export { AnswerRecall } from './idempotency/answer-recall.js';
export { IdempotencyKeyRepository } from './idempotency/idempotency-key.repository.js';
export { POSITIONED, setPosition, WRITE_PROBLEMS } from './instance-answer.js';
export { instanceView, leasedInstanceView, overrideView } from './instance.schemas.js';
export { LeaseRenewals } from './lease-renewals.js';
export { EXAMPLE_INSTANCES, INSTANCE_EXAMPLE } from './registry.examples.js';
export { registration } from './registration.js';
export {
  incarnationEndedIds,
  type NamedInstance,
  namedInstances,
  toNamedInstances,
} from './named-instances.schemas.js';
export { RegistryModule } from './registry.module.js';
export {
  instanceUuidSchema,
  setOverride,
  type IdParams,
  type NameParams,
  type IncarnationQuery,
  type NamespaceQuery,
  type SetOverride,
} from './registry.schemas.js';
export { DEFAULT_NAMESPACE, namespaceSchema, serviceSchema } from './domain/names.schema.js';
export { RegistryService } from './registry.service.js';
export { NodeRoleRepository, type ClaimedRole, type RoleClaim, type RoleRecord } from './roles/node-role.repository.js';
export { TermEndedError, type RoleTerm } from './roles/role-term.js';
export { ServiceInstanceRepository } from './service-instance.repository.js';
export { INSTANCE_COLUMNS } from './instance-columns.js';
export { CatalogWriter, type CatalogWriterOptions, type CatalogWriterTools } from './write/catalog-writer.js';
export { KnownAppendRepository } from './write/known-append.repository.js';
export { type AppendWay } from './write/writer-metrics.js';
export { type ServiceTouch } from './domain/service-touch.js';
export { type CommandResult, type Occurrence, type WriteRequest, type WriteResult } from './write/write-request.js';
export { REGISTRY_ENTITIES } from './entities.js';
