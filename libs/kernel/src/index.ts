export { AddressRanges, isAddressRange, parseRange } from './net/address-ranges.js';
export { asAuthority, hostOfAuthority, isLoopbackHost, listensOnLoopback } from './net/authority.js';
export { BACKGROUND_TASKS, type BackgroundTaskName } from './background-tasks.js';
export { canonicalJson, canonicalTextOf, inCanonicalOrder, sameJson } from './json/canonical-json.js';
export { Clock, systemClock } from './clock.js';
export { CURSOR, decodeCursor, encodeCursor } from './json/cursors.js';
export { hasDotSegment } from './net/dot-segments.js';
export { ERROR_CODES, type ErrorCode, type ErrorCodeEntry } from './errors/error-codes.js';
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
  OverloadedError,
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
} from './errors/errors.js';
export { errorText } from './errors/error-text.js';
export { failureText, type FailureText } from './errors/failure-text.js';
export { checkHost, isUnspecified, MAX_HOST_LENGTH } from './net/host.js';
export { newId } from './ids.js';
export { canonicalAddress } from './net/ip-address.js';
export { isJsonArray, isJsonObject, isObject, type JsonObject, type JsonValue } from './json/json-values.js';
export { patchBetween, type PatchOperation } from './json/json-patch.js';
export { findUnstorable, isStorableText, pointerToken, shownText, shownToken } from './json/json-safety.js';
export { likeliestName } from './validation/likeliest-name.js';
export { lowerBound } from './lower-bound.js';
export { meantName } from './validation/intended-name.js';
export { complaintAboutText, readable } from './validation/readable-text.js';
export { repeat, type Repetition } from './repeat.js';
export { SortedValues } from './sorted-values.js';
export { meantValue, unknownKind } from './validation/unknown-name.js';
export { CheckedItems, itemOfLongList, type LongList, longListKeys, longListsIn } from './validation/long-lists.js';
export { toFieldErrors } from './validation/validation-issues.js';
