export { CatalogModule } from './catalog.module.js';
export { weightOf } from './changes/change-buffer.js';
export { ChangeFeed, type FeedFollower } from './changes/change-feed.js';
export { HistoryCheck } from './epochs/history-check.js';
export {
  healthDeciderSchema,
  healthStateSchema,
  initialStateSchema,
  instanceTypeSchema,
  overrideScopeSchema,
  overrideStatusSchema,
  probeMethodSchema,
  schemeSchema,
  statusSchema,
} from './model/enum.schemas.js';
export { hostFilterSchema, hostSchema } from './model/host.schema.js';
export { type Incarnations, claimOf, endsWithIncarnation, isCurrent, nextIncarnation } from './model/incarnation.js';
export { type InstanceTest } from './model/instance-test.js';
export {
  BATCH_EXAMPLE,
  BULK_EXAMPLE_ID,
  EXAMPLE_ID,
  EXAMPLE_INSTANCES,
  INSTANCE_EXAMPLE,
  LEASED_EXAMPLE,
  NAME_EXAMPLE,
  OVERRIDE_EXAMPLE,
  PATCH_EXAMPLE,
  REGISTER_EXAMPLE,
  REPLACE_EXAMPLE,
  REPORT_EXAMPLE,
  SPARE_EXAMPLE_ID,
  SPARE_NAME_EXAMPLE,
} from './model/instance.examples.js';
export { instanceView, leasedInstanceView, overrideView, probeErrorView } from './model/instance.schemas.js';
export {
  CHECK_KINDS,
  type Check,
  type Endpoint,
  type GrpcCheck,
  type Health,
  type HealthState,
  type HttpCheck,
  type TcpCheck,
  INSTANCE_TYPES,
  type InitialState,
  type InstanceIdentity,
  type InstanceRecord,
  type InstanceSpec,
  type Lease,
  type LeasedInstance,
  OVERRIDE_STATUSES,
  type Override,
  type OverrideScope,
  type OverrideStatus,
  type ProbedCheck,
  SCHEMES,
  STATUSES,
  type Scheme,
  type Status,
  forEachCheckKind,
  identityKey,
  identityOf,
  scopeOf,
  specOf,
} from './model/instance.js';
export {
  INSTANCE_FAULTS,
  type InstanceFault,
  NODE_FAULTS,
  type NodeFault,
  type ProbeError,
} from './model/probe-error.js';
export {
  AHEAD_TOLERANCE_MS,
  type LeaseAllowance,
  type LeaseStall,
  LONG_STALL_MS,
  deregisterDueAt,
  expiresAt,
  expiryDueAt,
  hasLapsed,
  isAhead,
} from './model/lease.js';
export { metadataShape } from './model/metadata.schema.js';
export {
  ALL_NAMESPACES,
  DEFAULT_NAMESPACE,
  instanceIdSchema,
  instanceUuidSchema,
  namespaceOrAllSchema,
  namespaceSchema,
  serviceSchema,
} from './model/names.schema.js';
export {
  type InstanceView,
  type OverrideView,
  type StoredRecord,
  inStoredOrder,
  toInstanceView,
  toOverrideView,
  toStored,
} from './model/instance-forms.js';
export { EVERYWHERE, type Scope, isInScope } from './model/scope.js';
export { type ServiceTouch } from './model/service-touch.js';
export { INSTANCE_COLUMNS, INSTANCES } from './tables/instance-columns.js';
export { canonicalRecord } from './tables/canonical-record.js';
export { normalizeRecord } from './tables/normalize-record.js';
export { EVERY_OTHER_NAMESPACE, NamespaceFloor } from './tables/namespace-floor.entity.js';
export { ServiceInstance, ServiceInstanceSchema } from './tables/service-instance.entity.js';
export { ServiceRevision } from './tables/service-revision.entity.js';
export { type CatalogChange, type Matches, concernOf, toChange } from './view/catalog-change.js';
export { type NamespaceEntry, type ServiceEntry } from './view/catalog-state.js';
export { CatalogView, type ViewHead, type ViewRecordObserver } from './view/catalog-view.js';
export { toEmptyServicesDropped } from './view/empty-services-dropped.js';
export { LocalCatalog } from './view/local-catalog.js';
export { ReadBarrier } from './view/read-barrier.js';
