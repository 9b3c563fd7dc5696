import { ENTITY_TAG_PATTERN, ENTITY_TAGS_PATTERN, MAX_TAGS_LENGTH, VERSION_TAGS_PATTERN } from './etag.js';
import { IDEMPOTENCY_KEY_PATTERN, MAX_REASON_LENGTH, REASON_PATTERN, REQUEST_ID_PATTERN } from './request-headers.js';

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
      'The version that the change applies to, as in the `ETag`, such as `"7"`; an outdated version gets 412. Also a list of versions, or `*` for any version.',
    schema: { type: 'string', pattern: VERSION_TAGS_PATTERN, maxLength: MAX_TAGS_LENGTH },
    required: false,
  },
  'If-None-Match': {
    description: 'The `ETag` of an earlier response, or a list of them: 304 if nothing changed.',
    schema: { type: 'string', pattern: ENTITY_TAGS_PATTERN, maxLength: MAX_TAGS_LENGTH },
    required: false,
  },
  'Idempotency-Key': {
    description:
      'Makes the request safe to repeat: 1 to 255 visible ASCII characters, the same for the same request. A repetition within 24 hours has no effect and gets the first response; another request with the same key gets 422.',
    schema: { type: 'string', pattern: IDEMPOTENCY_KEY_PATTERN, minLength: 1, maxLength: 255 },
    required: false,
  },
  'Last-Event-ID': {
    description:
      'The id of the last event that the client received: later events are sent. Empty: it has received none.',
    schema: { type: 'string', pattern: '^[0-9]{0,15}$', maxLength: 15 },
    required: false,
  },
  'X-Change-Reason': {
    description: 'The reason of the change; kept in the audit log.',
    schema: { type: 'string', pattern: REASON_PATTERN, maxLength: MAX_REASON_LENGTH },
    required: false,
  },
} as const satisfies Record<string, DocumentedHeader>;

/** `If-None-Match` of an operation that creates something. */
export const IF_NEW: DocumentedHeader = {
  description: '`*`: only if nothing is registered under the identity.',
  schema: { type: 'string', pattern: String.raw`^\*$`, maxLength: 1 },
  required: false,
};

/**
 * The response headers with a meaning in this service, as the OpenAPI document describes them. Scripts of allowed origins may
 * read all headers of this table; other headers must not be sent.
 */
export const RESPONSE_HEADERS = {
  Allow: { description: 'The methods that the path supports, with 405.', schema: { type: 'string' } },
  'Cache-Control': { description: 'Whether the response may be cached.', schema: { type: 'string' } },
  'Content-Disposition': { description: 'The file name.', schema: { type: 'string' } },
  ETag: {
    description: 'Identifies the content of the response, for `If-Match` and `If-None-Match`.',
    schema: { type: 'string', pattern: ENTITY_TAG_PATTERN },
  },
  Location: {
    description:
      'The URL of the created resource: a reference that may be relative to the URL of the request (RFC 9110).',
    schema: { type: 'string', format: 'uri-reference' },
  },
  'Retry-After': {
    description: 'Seconds after which a retry makes sense.',
    schema: { type: 'integer', minimum: 0, maximum: 86_400 },
  },
  'X-Request-Id': {
    description:
      'The id of the request in the log of the service: the `X-Request-Id` of the request, if it is 1 to 128 of `A-Za-z0-9._:-`, else a new one.',
    schema: { type: 'string', pattern: REQUEST_ID_PATTERN, minLength: 1, maxLength: 128 },
  },
  'X-Catalog-Revision': {
    description: 'The revision of the catalog that the response shows.',
    schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  },
  'X-Catalog-Epoch': {
    description: 'The epoch of the catalog: the continuous history that the revision belongs to.',
    schema: { type: 'string', format: 'uuid' },
  },
  'X-Catalog-Staleness': {
    description: 'Seconds since the view of this node was last known to be current; normally 0.',
    schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  },
  'Idempotency-Replayed': {
    description:
      '`true` if the request was sent before with the same `Idempotency-Key`, and this is the response of that time; else absent.',
    schema: { type: 'string' },
  },
  'X-Liveness-Guard': {
    description:
      'Present while a guard prevents the leases of the service from ending, so that some instances may be dead: the reason, with numbers as parameters of a structured field (RFC 9651).',
    schema: { type: 'string' },
  },
  'X-Resolve-Panic': {
    description:
      '`true` if fewer instances are usable than `panicThreshold` requires, so that this one was chosen regardless of its health; else absent.',
    schema: { type: 'string' },
  },
} as const satisfies Record<string, DocumentedHeader>;

/** Other response headers: those of HTTP itself, and those for browsers and proxies. */
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
