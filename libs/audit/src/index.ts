export {
  AUDIT_ACTIONS,
  AUDIT_SOURCES,
  type AuditAction,
  type AuditEvent,
  type AuditSource,
  type EventDraft,
  type LogHead,
  type TimedHead,
} from './audit-event.js';
export { AuditModule } from './audit.module.js';
export { AuditQuery, type EventPage, type EventQuery } from './audit-query.service.js';
export {
  CatalogHeadRepository,
  headOrFail,
  type HeldHead,
  type PlacedHead,
  refuseStandby,
} from './catalog-head.repository.js';
export { CATALOG_CHANNEL, type LockedHead } from './audit-event.js';
export { EPOCH_JUMP, mayFollow } from './chain-walk.js';
export { ChainVerifier } from './chain-verifier.service.js';
export { EventExporter } from './event-export.service.js';
export { EventSearchRepository } from './event-search.repository.js';
export { AUDIT_ENTITIES } from './entities.js';
export { epochEvent, epochStartedBy, type EpochStarted, type NewEpoch } from './epoch/epoch-event.js';
export { unknownBecause } from './epoch/epoch-gaps.js';
export { EpochLogRepository, type EpochGap } from './epoch/epoch-log.repository.js';
export { isElsewhere, serverText, type Placement, type ServerIdentity } from './epoch/server-identity.js';
export {
  contradicts,
  laterOf,
  standingOf,
  type EpochReason,
  type KnownPlace,
  type Standing,
} from './epoch/standing.js';
export { chainEvent, FIRST_PREVIOUS_HASH, HASH_VERSION, hashEvent, type Link } from './hash-chain.js';
export { InstanceHistory, type InstanceVersion } from './instance-history.service.js';
export { logPoint, type LogPoint } from './log-point.js';
export { eventsOfPast, type InstanceName, type NamedPast } from './named-past.js';
export { LOG_PARTITION_SIZE } from './partitions/log-partition.js';
export { LogRoom } from './partitions/log-room.js';
export { ReadIndex, type ReadHead } from './read-index.js';
export { compactLog, type CompactionTarget } from './retention/compaction/compact-log.js';
export { LogCompaction, type CompactionOptions } from './retention/compaction/log-compaction.js';
export { auditActionSchema, auditSourceSchema } from './audit-event.schemas.js';
export { RFC3339_TIME } from './rfc3339-time.js';
export { oldestOf, type LogCut } from './retention/log-cut.js';
export { LogCutRepository } from './retention/log-cut.repository.js';
export { RevisionFinder, type FoundRevision } from './revision-finder.service.js';
export { appendedCte, EVENT_COLUMNS, ServiceEventRepository } from './service-event.repository.js';
