export { AddressRanges, isAddressRange, parseRange, type ParsedRange } from './address-ranges.js';
export { asAuthority, hostOfAuthority, isLoopbackHost, listensOnLoopback } from './authority.js';
export { BACKGROUND_TASKS, type BackgroundTaskEntry, type BackgroundTaskName } from './background-tasks.js';
export { canonicalJson, sameJson } from './canonical-json.js';
export { Clock, systemClock } from './clock.js';
export { CURSOR, decodeCursor, encodeCursor } from './cursors.js';
export { hasDotSegment } from './dot-segments.js';
export { ERROR_CODES, type ErrorCode, type ErrorCodeEntry } from './error-codes.js';
export {
  AlreadyRegisteredError,
  DomainError,
  EventNotFoundError,
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
  ValidationFailedError,
  VersionMismatchError,
  ViewBehindError,
  type ErrorExtras,
  type FieldError,
  type UnknownRevisionReason,
} from './errors.js';
export { errorText } from './error-text.js';
export { failureText, type FailureText } from './failure-text.js';
export { checkHost, isUnspecified, MAX_HOST_LENGTH, type CheckedHost } from './host.js';
export { newId } from './ids.js';
export { canonicalAddress } from './ip-address.js';
export { isJsonArray, isJsonObject, isObject, type JsonObject, type JsonValue } from './json.js';
export { patchBetween, type PatchOperation } from './json-patch.js';
export {
  findPoison,
  isStorableText,
  MAX_JSON_DEPTH,
  pointerToken,
  shownText,
  shownToken,
  type Poison,
} from './json-safety.js';
export { likeliestName } from './likeliest-name.js';
export { lowerBound } from './lower-bound.js';
export { meantName } from './meant-name.js';
export { complaintAboutText, readable } from './readable-text.js';
export { repeat, type Repetition } from './repeat.js';
export { type ValidationIssue } from './issue-message.js';
export { meantValue, unknownKind, unknownName } from './unknown-name.js';
export { toFieldErrors } from './validation-issues.js';
