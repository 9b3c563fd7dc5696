interface DocumentedHeader {
  readonly description: string;
  readonly schema: { readonly type: 'string' | 'integer' | 'number'; readonly maxLength?: number };
  readonly required?: boolean;
}

/** Request headers that operations may take, as the OpenAPI document describes them. */
export const REQUEST_HEADERS = {
  'If-Match': {
    description:
      'The version that the change is meant for, as the `ETag` told it, such as `"7"`; a stale one gets 412.',
    schema: { type: 'string' },
    required: false,
  },
  'If-None-Match': {
    description: '`*` on a registration: only if the identity is new. An `ETag` on a read: 304 if nothing changed.',
    schema: { type: 'string' },
    required: false,
  },
  'Idempotency-Key': {
    description:
      'Makes it safe to send the request again: 1 to 255 visible ASCII characters, the same for the same request. What comes again within 24 hours has no effect and gets the first answer; another request under the same key gets 422.',
    schema: { type: 'string', maxLength: 255 },
    required: false,
  },
  'Last-Event-ID': {
    description: 'The id of the last event that was received: what comes after it is sent.',
    schema: { type: 'string' },
    required: false,
  },
  'X-Change-Reason': {
    description: 'Why the change is made; kept in the audit log.',
    schema: { type: 'string', maxLength: 500 },
    required: false,
  },
} as const satisfies Record<string, DocumentedHeader>;

/** Response headers that operations may give, as the OpenAPI document describes them. */
export const RESPONSE_HEADERS = {
  'Cache-Control': { description: 'Whether the answer may be kept.', schema: { type: 'string' } },
  ETag: { description: 'Names what was answered, for `If-Match` and `If-None-Match`.', schema: { type: 'string' } },
  Location: {
    description: 'Where what was created is: a reference that may be relative to the URL of the request (RFC 9110).',
    schema: { type: 'string' },
  },
  'Retry-After': { description: 'Seconds after which another try makes sense.', schema: { type: 'integer' } },
  'X-Request-Id': { description: 'Finds the request in the log of the service.', schema: { type: 'string' } },
  'X-Catalog-Revision': { description: 'The revision of the catalog that answered.', schema: { type: 'integer' } },
  'X-Catalog-Epoch': { description: 'The unbroken history that the revision belongs to.', schema: { type: 'string' } },
  'X-Catalog-Staleness': {
    description: 'Seconds since the view that answered was last known to be current; 0 normally.',
    schema: { type: 'number' },
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

export type RequestHeader = keyof typeof REQUEST_HEADERS;
export type ResponseHeader = keyof typeof RESPONSE_HEADERS;
