export { BACKGROUND_TASKS, type BackgroundTaskEntry, type BackgroundTaskName } from './background-tasks.js';
export { type Clock, systemClock } from './clock.js';
export { ERROR_CODES, type ErrorCode, type ErrorCodeEntry } from './errors/error-codes.js';
export {
  AlreadyRegisteredError,
  DomainError,
  type ErrorExtras,
  EventNotFoundError,
  type FieldError,
  HistoryUnsettledError,
  IdempotencyMismatchError,
  IncarnationEndedError,
  InstanceNeverKnownError,
  InstanceNotFoundError,
  InvalidCursorError,
  InvalidFilterError,
  MalformedJsonError,
  NoInstanceAvailableError,
  OutcomeUnknownError,
  QueueFullError,
  RateLimitedError,
  RevisionCompactedError,
  RevisionUnknownError,
  StaleViewError,
  StartingError,
  StoreUnavailableError,
  type UnknownRevisionReason,
  ValidationFailedError,
  VersionMismatchError,
  ViewBehindError,
} from './errors/errors.js';
export { type FailureText, failureText } from './errors/failure-text.js';
export { newId } from './ids.js';
export { canonicalJson, sameJson } from './json/canonical-json.js';
export { CURSOR, decodeCursor, encodeCursor } from './json/cursors.js';
export { type PatchOperation, patchBetween } from './json/json-patch.js';
export {
  MAX_JSON_DEPTH,
  type Poison,
  findUnstorable,
  isStorableText,
  pointerToken,
  shownText,
  shownToken,
} from './json/json-safety.js';
export { AddressRanges, type ParsedRange, isAddressRange, parseRange } from './net/address-ranges.js';
export { asAuthority, hostOfAuthority, isLoopbackHost, listensOnLoopback } from './net/authority.js';
export { hasDotSegment } from './net/dot-segments.js';
export { type CheckedHost, MAX_HOST_LENGTH, checkHost, isUnspecified } from './net/host.js';
export { canonicalAddress } from './net/ip-address.js';
export { type Repetition, repeat } from './repeat.js';
export { meantName } from './validation/intended-name.js';
export { type ValidationIssue } from './validation/issue-message.js';
export { likeliestName } from './validation/likeliest-name.js';
export { complaintAboutText, readable } from './validation/readable-text.js';
export { meantValue, unknownKind, unknownName } from './validation/unknown-name.js';
export { toFieldErrors } from './validation/validation-issues.js';
