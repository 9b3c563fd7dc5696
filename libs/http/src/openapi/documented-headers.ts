import { ENTITY_TAG_PATTERN, ENTITY_TAGS_PATTERN, MAX_TAGS_LENGTH, VERSION_TAGS_PATTERN } from '../requests/etag.js';
import {
  IDEMPOTENCY_KEY_PATTERN,
  MAX_REASON_LENGTH,
  REASON_PATTERN,
  REQUEST_ID_PATTERN,
} from '../requests/request-headers.js';

interface DocumentedHeader {
  readonly description: string;
  readonly schema: {
    readonly type: 'string' | 'integer' | 'number';
    readonly format?: 'uuid' | 'uri-reference';
    readonly pattern?: string;
    readonly minLength?: number;
    readonly maxLength?: number;
    readonly minimum?: number;
    readonly maximum?: number;
  };
  readonly required?: boolean;
}

/** Request headers that operations may take, as the OpenAPI document describes them. */
export const REQUEST_HEADERS = {
  'If-Match': {
    description:
      'The version that the change is meant for, as the `ETag` told it, such as `"7"`; a stale one gets 412. A list of them, or `*` for any version.',
    schema: { type: 'string', pattern: VERSION_TAGS_PATTERN, maxLength: MAX_TAGS_LENGTH },
    required: false,
  },
  'If-None-Match': {
    description: 'The `ETag` of an earlier answer, or a list of them: 304 if nothing changed.',
    schema: { type: 'string', pattern: ENTITY_TAGS_PATTERN, maxLength: MAX_TAGS_LENGTH },
    required: false,
  },
  'Idempotency-Key': {
    description:
      'Makes it safe to send the request again: 1 to 255 visible ASCII characters, the same for the same request. What comes again within 24 hours has no effect and gets the first answer; another request under the same key gets 422.',
    schema: { type: 'string', pattern: IDEMPOTENCY_KEY_PATTERN, minLength: 1, maxLength: 255 },
    required: false,
  },
  'Last-Event-ID': {
    description: 'The id of the last event that was received: what comes after it is sent. Empty: none was.',
    schema: { type: 'string', pattern: '^[0-9]{0,15}$', maxLength: 15 },
    required: false,
  },
  'X-Change-Reason': {
    description: 'Why the change is made; kept in the audit log.',
    schema: { type: 'string', pattern: REASON_PATTERN, maxLength: MAX_REASON_LENGTH },
    required: false,
  },
} as const satisfies Record<string, DocumentedHeader>;

/** `If-None-Match` of an operation that makes something. */
export const IF_NEW: DocumentedHeader = {
  description: '`*`: only if the identity is new.',
  schema: { type: 'string', pattern: String.raw`^\*$`, maxLength: 1 },
  required: false,
};

/**
 * The response headers that the service itself gives a meaning, as the OpenAPI document describes them. Whatever is in this
 * table may be read by scripts of allowed origins; a header that is not in it may not be sent.
 */
export const RESPONSE_HEADERS = {
  Allow: { description: 'The methods that the path takes, with 405.', schema: { type: 'string' } },
  'Cache-Control': { description: 'Whether the answer may be kept.', schema: { type: 'string' } },
  'Content-Disposition': { description: 'The name for the file.', schema: { type: 'string' } },
  ETag: {
    description: 'Names what was answered, for `If-Match` and `If-None-Match`.',
    schema: { type: 'string', pattern: ENTITY_TAG_PATTERN },
  },
  Location: {
    description: 'Where what was created is: a reference that may be relative to the URL of the request (RFC 9110).',
    schema: { type: 'string', format: 'uri-reference' },
  },
  'Retry-After': {
    description: 'Seconds after which another try makes sense.',
    schema: { type: 'integer', minimum: 0, maximum: 86_400 },
  },
  'X-Request-Id': {
    description:
      'Finds the request in the log of the service: the `X-Request-Id` of the request, if it is 1 to 128 of `A-Za-z0-9._:-`, else a new one.',
    schema: { type: 'string', pattern: REQUEST_ID_PATTERN, minLength: 1, maxLength: 128 },
  },
  'X-Catalog-Revision': {
    description: 'The revision of the catalog that answered.',
    schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  },
  'X-Catalog-Epoch': {
    description: 'The unbroken history that the revision belongs to.',
    schema: { type: 'string', format: 'uuid' },
  },
  'X-Catalog-Staleness': {
    description: 'Seconds since the view that answered was last known to be current; 0 normally.',
    schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  },
  'Idempotency-Replayed': {
    description:
      '`true` when the request was sent before under the same `Idempotency-Key`, and this is what it was answered then; absent otherwise.',
    schema: { type: 'string' },
  },
  'X-Liveness-Guard': {
    description:
      'Present while a guard keeps the leases of the service from ending, so that some instances may be dead: its reason, with the numbers as parameters of a structured field (RFC 9651).',
    schema: { type: 'string' },
  },
  'X-Resolve-Panic': {
    description:
      '`true` when fewer instances are usable than `panicThreshold` asks, so that this one was chosen whatever its health; absent otherwise.',
    schema: { type: 'string' },
  },
} as const satisfies Record<string, DocumentedHeader>;

/** Other headers that answers have: HTTP's own, and those that are for browsers and proxies and tell callers nothing. */
export const PLAIN_RESPONSE_HEADERS: ReadonlySet<string> = new Set([
  'accept-ranges',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-security-policy',
  'content-type',
  'date',
  'keep-alive',
  'last-modified',
  'referrer-policy',
  'transfer-encoding',
  'vary',
  'x-accel-buffering',
  'x-content-type-options',
  'x-frame-options',
]);

export type RequestHeader = keyof typeof REQUEST_HEADERS;
export type ResponseHeader = keyof typeof RESPONSE_HEADERS;
