export { BY_ID, BY_NAME, type InstanceNaming } from './api/instance-naming.js';
export { WRITE_PROBLEMS } from './api/instance-response.js';
export { describeTarget, type Command, type RegisterCommand, type Target } from './domain/commands.js';
export { decide } from './domain/decide.js';
export { type Decision } from './domain/decision.js';
export { isAnother } from './domain/endpoint-changes.js';
export { type ProbeVerdict, afterProbe, isProbed, mayHeal } from './domain/health-rules.js';
export { ProbePolicy } from './domain/probe-policy.js';
export { isExpectedStatus } from './domain/spec/expected-statuses.js';
export { REGISTRY_ENTITIES } from './entities.js';
export { leaseOverAt, stalledLeaseOverAt } from './leases/instance-lease.repository.js';
export { LastCheckedRecorder, type NotedError } from './leases/last-checked.js';
export { LeaseRenewals } from './leases/lease-renewals.js';
export { RegistryModule } from './registry.module.js';
export { RegistryService, type WriteConditions } from './registry.service.js';
export {
  type NamedInstance,
  incarnationEndedIds,
  namedInstances,
  toNamedInstances,
} from './requests/named-instances.schemas.js';
export { type RegistrationConditions, registerCommand, registerCommandFrom } from './requests/registration.js';
export { type IncarnationQuery, type SetOverride, setOverride } from './requests/registry.schemas.js';
export {
  type CommandResult,
  type WriteRequest,
  type WriteResult,
  idsWithOutcome,
  instanceOf,
} from './requests/write-request.js';
export { ServiceInstanceRepository } from './store/service-instance.repository.js';
export { CatalogWriter } from './write/catalog-writer.js';
