import { CatalogHead } from './catalog-head.entity.js';
import { ServiceEvent } from './service-event.entity.js';

export {
  AUDIT_ACTIONS,
  AUDIT_SOURCES,
  type AuditAction,
  type AuditEvent,
  type AuditSource,
  type EventDraft,
  type LogHead,
} from './audit-event.js';
export { AuditModule } from './audit.module.js';
export { AuditQuery, type EventPage, type EventQuery } from './audit-query.service.js';
export {
  CATALOG_CHANNEL,
  CatalogHeadRepository,
  type HeldHead,
  type LockedHead,
  type PlacedHead,
} from './catalog-head.repository.js';
export { EPOCH_JUMP, mayFollow } from './chain-walk.js';
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
export { patchView } from './history.schemas.js';
export { logPoint, type LogPoint } from './log-point.js';
export { LOG_PARTITION_SIZE } from './partitions/log-partition.js';
export { LogRoom } from './partitions/log-room.js';
export { ReadIndex, type ReadHead } from './read-index.js';
export { OLDEST_REVISION, RevisionFinder, type FoundRevision } from './revision-finder.service.js';
export { appendedCte, EVENT_COLUMNS, ServiceEventRepository } from './service-event.repository.js';

export const AUDIT_ENTITIES = [CatalogHead, ServiceEvent];
