/** What one stable error code means: for the problem documents and for the generated error reference. */
export interface ErrorCodeEntry {
  readonly status: number;
  /** A short summary of the problem type, the same for every occurrence (RFC 9457, `title`). */
  readonly title: string;
  /** When it happens. */
  readonly when: string;
  /** What the caller can do about it. */
  readonly remedy: string;
}

const entry = (status: number, title: string, when: string, remedy: string): ErrorCodeEntry => ({
  status,
  title,
  when,
  remedy,
});

/** The one table of error codes. docs/errors.md and the pages below /docs/errors are generated from it. */
export const ERROR_CODES = {
  VALIDATION_FAILED: entry(
    400,
    'The request is not valid',
    'A field, parameter or header is missing, unknown or out of bounds. `errors` names every one of them.',
    'Correct the named fields and send the request again.',
  ),
  MALFORMED_JSON: entry(
    400,
    'The body is not usable JSON',
    'The body is absent where one is needed, is not JSON, names a key twice in one object, or is nested too deeply.',
    'Send well-formed JSON (RFC 8259) with unique keys.',
  ),
  INVALID_FILTER: entry(
    400,
    'The filter is not valid',
    'A filter parameter cannot be understood, such as a version range that is not a semver range or an expression with a mistake; or it would have to be evaluated for too many instances at once.',
    'Correct the filter; `detail` names the place of the mistake, in an expression by the character.',
  ),
  INVALID_CURSOR: entry(
    400,
    'The cursor is not valid',
    'The cursor was changed, cut, or comes from a query with other parameters.',
    'Start again at the first page, and pass `nextCursor` back as it was given, with the same parameters.',
  ),
  INSTANCE_NOT_FOUND: entry(
    404,
    'No such instance',
    'No instance is registered under this id or name. From the explanation and from the audit log it means that no instance ever was, or, with `oldestRevision`, that the retained log has none.',
    'Register the instance again; after a heartbeat this is always right. `…/explain` and the history in the audit log show what happened to an instance that no longer exists.',
  ),
  EVENT_NOT_FOUND: entry(
    404,
    'No such event',
    'The log has no event with this revision.',
    'Request a revision between 1 and the head, which GET /api/v1/audit/head returns.',
  ),
  NO_INSTANCE_AVAILABLE: entry(
    404,
    'No instance to call',
    'The service has no instance that the request selects and that may be called.',
    'Wait for one with a waiting read of the instances, or select less narrowly.',
  ),
  CORS_REFUSED: entry(
    403,
    'Browsers may not call from this origin',
    'A browser asked (by a preflight) whether a page of another origin may call, and the origin is not one of PCS_CORS_ORIGINS, which has none by default.',
    'Add the origin (scheme, host and port, such as https://ui.example.com) to PCS_CORS_ORIGINS, or call from the same origin, through a proxy.',
  ),
  ROUTE_NOT_FOUND: entry(
    404,
    'No such route',
    'Nothing is served under this path.',
    'See the API documentation of the service, at `docs` below its URL, for the routes that exist.',
  ),
  METHOD_NOT_ALLOWED: entry(
    405,
    'The method is not allowed here',
    'The path exists, but not with this method.',
    'Use one of the methods that the `Allow` header lists.',
  ),
  REQUEST_TIMEOUT: entry(
    408,
    'The request took too long to arrive',
    'The headers or the body were not sent in time.',
    'Send the request again, without pauses.',
  ),
  REVISION_COMPACTED: entry(
    410,
    'The revision is no longer retained',
    'The request is about a revision, a time, or an instance that is older than the retained log. `oldestRevision` is the oldest revision that can be used.',
    'Use `oldestRevision` or a later revision, or read again without a revision.',
  ),
  REVISION_UNKNOWN: entry(
    410,
    'The catalog has no such revision',
    'The revision is above the head of the log, was never used, or belongs to a history that has ended (a backup was restored, or a failover lost commits).',
    'Read again without a revision, and continue with the revision and epoch of that response.',
  ),
  INCARNATION_ENDED: entry(
    409,
    'Another process runs under this name now',
    'The request names an incarnation that is not the current one: another process has registered under this name since, or, for a registration, this incarnation has ended. Nothing was changed. The incarnation is checked before `If-Match`.',
    'The process that gets this error is not the one that callers are sent to: it should stop, or register with an incarnation that was never used. `currentIncarnation` is the current one; null: its process named none. Operators omit `incarnation`.',
  ),
  VERSION_MISMATCH: entry(
    412,
    'The instance has changed meanwhile',
    '`If-Match` names a version that is no longer the current one. Nothing was changed.',
    'Read the instance again, decide again, and send the new version. `currentVersion` is the current version; so is `ETag`, if the request was about one instance.',
  ),
  ALREADY_REGISTERED: entry(
    412,
    'The instance is registered already',
    'A registration with `If-None-Match: *` is for an identity that is registered already. Nothing was changed.',
    'Omit the header to replace the instance, or choose another instanceId. `currentVersion` and `ETag` are its current version.',
  ),
  PAYLOAD_TOO_LARGE: entry(
    413,
    'The body is too large',
    'The body is larger than 64 KiB, or than 1 MiB for batches, bulk heartbeats and bulk deregistrations.',
    'Send less at once.',
  ),
  UNSUPPORTED_MEDIA_TYPE: entry(
    415,
    'The content type is not supported',
    'The body is not application/json (or, for PATCH, application/merge-patch+json), or it has a Content-Encoding.',
    'Send JSON without Content-Encoding, with a matching Content-Type.',
  ),
  EXPECTATION_FAILED: entry(
    417,
    'The expectation cannot be met',
    'The header `Expect` asks for something other than `100-continue`.',
    'Send the request without `Expect`, or with `Expect: 100-continue`.',
  ),
  MISDIRECTED_REQUEST: entry(
    421,
    'The request is for another host',
    'The `Host` of the request (or the host of its target, where that is a whole URL) is not one that this service answers to, or the target has another scheme. A service that listens on loopback answers to loopback names and addresses, and to the hosts of PCS_ADVERTISED_HOST, PCS_PUBLIC_URL and PCS_ALLOWED_HOSTS; on other addresses hosts are checked only where PCS_ALLOWED_HOSTS is set. So a web page cannot reach the service under a name of its own (DNS rebinding).',
    'Call the service by a host that it answers to. If clients or a proxy rightly send this host, set PCS_PUBLIC_URL to the URL that clients use, or add the host to PCS_ALLOWED_HOSTS.',
  ),
  IDEMPOTENCY_MISMATCH: entry(
    422,
    'The key was used for another request',
    '`Idempotency-Key` was sent within the last 24 hours with another request: its method, path, query, body, preconditions or reason differ. Nothing was changed.',
    'Use a new key for each new request; a key may only be reused to repeat the same request.',
  ),
  QUEUE_FULL: entry(
    429,
    'Too many changes are waiting',
    'The queue of changes that wait for the database is full. Nothing was changed.',
    'Wait for the time in `Retry-After`, then send the request again.',
  ),
  RATE_LIMITED: entry(
    429,
    'Too many concurrent requests of this kind',
    'This node has reached its limit of concurrent exports and verifications of the log, of waiting reads (PCS_WAITING_READS_MAX), of watches (PCS_WATCH_MAX), or of snapshots of many instances for watches.',
    'Wait for the time in `Retry-After`, then send the request again.',
  ),
  HEADERS_TOO_LARGE: entry(
    431,
    'The headers are too large',
    'The request line and the headers together are larger than 32 KiB.',
    'Send shorter headers and a shorter URL.',
  ),
  INTERNAL_ERROR: entry(
    500,
    'Internal error of the service',
    'An unexpected error, most likely a bug. The response has no details; the log of the service has them under the request id.',
    'Report it with the request id.',
  ),
  OVERLOADED: entry(
    503,
    'This node has too much work of this kind',
    'As many requests of this kind as may wait are waiting already, this one waited too long, or another bound of this node is reached: bytes that clients have not taken, connections of clients, or connections to the database. Nothing was done for the request.',
    'Wait for the time in `Retry-After`, which differs from caller to caller, then send the request again; or use another node.',
  ),
  STORE_UNAVAILABLE: entry(
    503,
    'The database cannot be used',
    'PostgreSQL could not be reached, did not answer in time, or refused because of its own state, such as a missing privilege or a full disk: see `lastError` of `database` in `/health`. Nothing was changed.',
    'Wait for the time in `Retry-After`, then send the request again.',
  ),
  OUTCOME_UNKNOWN: entry(
    503,
    'It is not known whether the change happened',
    'The connection to PostgreSQL broke during the commit, and the outcome could not be determined in time.',
    'Send the request again with the same `Idempotency-Key`: then the change is made once, and you get its response. Without a key, read the instance to see whether the change was made; registrations, PUT, heartbeats and overrides can simply be sent again.',
  ),
  STALE_VIEW: entry(
    503,
    'The view of the catalog is too old',
    'This node has not been able to follow the log for longer than PCS_STALENESS_LIMIT_SECONDS, or did not reach the revision that the request needs in time.',
    'Use another node, or wait for the time in `Retry-After`.',
  ),
  STARTING: entry(
    503,
    'The node is still starting',
    'The view of the catalog is not loaded yet. An unknown catalog is never presented as an empty one.',
    'Use another node, or wait for the time in `Retry-After`.',
  ),
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
