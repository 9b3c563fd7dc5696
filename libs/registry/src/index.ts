import { InstanceLease } from './instance-lease.entity.js';
import { ServiceInstance } from './service-instance.entity.js';
import { ServiceRevision } from './service-revision.entity.js';

export { CatalogMirrorSlot, type CatalogMirror } from './catalog-mirror.js';
export {
  HEALTH_DECIDERS,
  HEALTH_STATES,
  identityKey,
  identityOf,
  INITIAL_STATES,
  INSTANCE_TYPES,
  OVERRIDE_STATUSES,
  SCHEMES,
  STATUSES,
  type Check,
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
  type Scheme,
  type Status,
} from './domain/instance.js';
export { INSTANCE_COLUMNS, ServiceInstanceRepository } from './service-instance.repository.js';
export { CatalogWriter, type CatalogWriterOptions, type CatalogWriterTools } from './write/catalog-writer.js';
export { type CommandResult, type WriteRequest, type WriteResult } from './write/write-request.js';

export const REGISTRY_ENTITIES = [ServiceInstance, InstanceLease, ServiceRevision];
