export { compactLog } from './compact-log.js';
export { LOG_ENTITIES } from './entities.js';
export {
  type EpochReason,
  type HistoryStatus,
  type LogPosition,
  compareHistory,
  contradicts,
  laterOf,
} from './epochs/compare-history.js';
export { epochEvent, epochStartedBy } from './epochs/epoch-event.js';
export { unknownRevisionReason } from './epochs/epoch-gaps.js';
export { type EpochGap, EpochLogRepository } from './epochs/epoch-log.repository.js';
export { BREAK_REASONS, type ChainLink, mayFollow } from './events/chain-walk.js';
export { type EventBounds, type EventFilter, type EventOrder, queryDigest } from './events/event-filter.js';
export { EXPORT_FORMATS, EXPORT_MEDIA_TYPES, type ExportFormat, headerOf, linesOf } from './events/event-formats.js';
export {
  EventSearchRepository,
  type EventStep,
  type RemainingSpan,
  type RevisionSpan,
} from './events/event-search.repository.js';
export { chainEvent, type StateTexts, writeEvent } from './events/hash-chain.js';
export { type InstanceRef, describeInstance, eventsOfInstance } from './events/instance-ref.js';
export { auditActionSchema, auditSourceSchema } from './events/log-event.schemas.js';
export {
  AUDIT_ACTIONS,
  type AuditAction,
  CATALOG_CHANNEL,
  type EventDraft,
  type LockedHead,
  type LogEvent,
  type LogHead,
} from './events/log-event.js';
export { hasMoved, serverText } from './events/server-identity.js';
export { ServiceEventRepository, appendedCte } from './events/service-event.repository.js';
export { systemEvent, systemOrigin } from './events/system-event.js';
export { CatalogHeadRepository, type HeldHead, headOrFail, refuseStandby } from './head/catalog-head.repository.js';
export { ReadIndex } from './head/read-index.js';
export { LogModule } from './log.module.js';
export { LOG_PARTITION_SIZE } from './partitions/log-partition.js';
export { PartitionHeadroom } from './partitions/partition-headroom.js';
export { type CompactionOptions } from './retention/compaction/log-compaction.js';
export { LogCutRepository } from './retention/log-cut.repository.js';
export { type LogCut, type LogCutRecord, oldestOf } from './retention/log-cut.js';
export { assertReachedSpan, assertRetainedSpan } from './retention/retained-span.js';
export { type LogPoint, logPoint } from './revisions/log-point.js';
export { type FoundRevision, RevisionFinder } from './revisions/revision-finder.service.js';
export { RFC3339_TIME } from './revisions/rfc3339-time.js';
export { ChainVerifier } from './verification/chain-verifier.service.js';
export {
  END_BEFORE_BEGIN,
  type RequestedRange,
  assertReachedRange,
  assertVerified,
} from './verification/verified-range.js';
