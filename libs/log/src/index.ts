export { type CompactionTarget, compactLog } from './compact-log.js';
export { LOG_ENTITIES } from './entities.js';
export {
  type EpochReason,
  type HistoryStatus,
  type LogPosition,
  compareHistory,
  contradicts,
  laterOf,
} from './epochs/compare-history.js';
export { type EpochStarted, type NewEpoch, epochEvent, epochStartedBy } from './epochs/epoch-event.js';
export { unknownBecause } from './epochs/epoch-gaps.js';
export { type EpochGap, EpochLogRepository } from './epochs/epoch-log.repository.js';
export { BREAK_REASONS, type ChainLink, EPOCH_JUMP, mayFollow } from './events/chain-walk.js';
export { type EventBounds, type EventFilter, type EventOrder, digestOf } from './events/event-filter.js';
export { EXPORT_FORMATS, EXPORT_MEDIA_TYPES, type ExportFormat, headerOf, linesOf } from './events/event-formats.js';
export { EventSearchRepository, type EventStep, type RestOfSpan } from './events/event-search.repository.js';
export { FIRST_PREVIOUS_HASH, HASH_VERSION, type Link, chainEvent, hashEvent } from './events/hash-chain.js';
export { auditActionSchema, auditSourceSchema } from './events/log-event.schemas.js';
export {
  AUDIT_ACTIONS,
  AUDIT_SOURCES,
  type AuditAction,
  type AuditSource,
  CATALOG_CHANNEL,
  type EventDraft,
  type LockedHead,
  type LogEvent,
  type LogHead,
  type TimedHead,
} from './events/log-event.js';
export { type InstanceName, type NamedPast, describePast, eventsOfPast } from './events/named-past.js';
export { type ServerChange, type ServerIdentity, hasMoved, serverText } from './events/server-identity.js';
export { EVENT_COLUMNS, ServiceEventRepository, appendedCte } from './events/service-event.repository.js';
export {
  CatalogHeadRepository,
  type HeldHead,
  type PlacedHead,
  headOrFail,
  refuseStandby,
} from './head/catalog-head.repository.js';
export { primaryHead } from './head/primary-head.js';
export { type ReadHead, ReadIndex } from './head/read-index.js';
export { LogModule } from './log.module.js';
export { LogPartitionRepository } from './partitions/log-partition.repository.js';
export { LOG_PARTITION_SIZE } from './partitions/log-partition.js';
export { PartitionHeadroomJob } from './partitions/partition-headroom.job.js';
export { PartitionHeadroom, measurePartitionHeadroom } from './partitions/partition-headroom.js';
export { type CompactionOptions, LogCompaction } from './retention/compaction/log-compaction.js';
export { LogCutRepository } from './retention/log-cut.repository.js';
export { type LogCut, type LogCutRecord, oldestOf } from './retention/log-cut.js';
export { assertReachedSpan, assertRetainedSpan } from './retention/retained-span.js';
export { type LogPoint, logPoint } from './revisions/log-point.js';
export { type FoundRevision, RevisionFinder } from './revisions/revision-finder.service.js';
export { RFC3339_TIME } from './revisions/rfc3339-time.js';
export { ChainVerifier } from './verification/chain-verifier.service.js';
export { type AskedRange, TURNED_ROUND, assertReachedRange, assertVerified } from './verification/verified-range.js';
