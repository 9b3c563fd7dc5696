import { instanceIdSchema, instanceUuidSchema, namespaceOrAllSchema, serviceSchema } from '@coordination/catalog';
import { queryCommaList, queryCursor, queryInteger, revisionNumber } from '@coordination/http';
import { isAddressRange, parseRange } from '@coordination/kernel';
import {
  auditActionSchema,
  auditSourceSchema,
  type ChainLink,
  END_BEFORE_BEGIN,
  EXPORT_FORMATS,
  type LogPoint,
  logPoint,
} from '@coordination/log';
import { z } from 'zod';

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1_000;
const MAX_TEXT = 500;
const MAX_CURSOR = 1_000;
const MAX_ANCHOR = 81;
/** The longest address with the longest prefix length. */
const MAX_RANGE = 49;
const RANGE_PATTERN = '^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$';

const text = (description: string) => z.string().min(1).max(MAX_TEXT).describe(description);

const order = (byDefault: string) =>
  z
    .enum(['asc', 'desc'])
    .optional()
    .describe(`Order by revision: \`asc\` oldest first, \`desc\` newest first. ${byDefault}`);

/** The filters of a request for events. */
const selection = {
  namespace: namespaceOrAllSchema.optional().describe('Events of this namespace; by default, and with `*`, of all.'),
  service: serviceSchema.optional().describe('Events of the services with this name.'),
  instanceId: instanceIdSchema
    .optional()
    .describe('Events of the instances with this name (that they gave themselves); case-sensitive.'),
  instance: instanceUuidSchema
    .optional()
    .describe('Events of the instance with this `id`.')
    .meta({ openapi: { type: 'string', format: 'uuid' } }),
  action: queryCommaList(auditActionSchema).describe('Events with any of these actions, separated by commas.'),
  actor: text('Events of changes that this caller requested.').optional(),
  source: auditSourceSchema.optional().describe('Events of changes that were requested through this protocol.'),
  requestId: text('Events of the request with this `X-Request-Id`.').optional(),
  batchId: z
    .uuid('must be the UUID of a transaction: the `batchId` of an event')
    .toLowerCase()
    .optional()
    .describe('Events of this transaction.')
    .meta({ openapi: { type: 'string', format: 'uuid' } }),
  clientAddress: z
    .string()
    .max(MAX_RANGE)
    .refine(isAddressRange, {
      error: 'must be an address or a CIDR, such as 10.0.3.17 or 10.0.0.0/8',
      abort: true,
    })
    .transform(canonicalRange)
    .optional()
    .describe(
      'Events from this address, or from the addresses of this CIDR, in any spelling; an IPv4 address mapped into IPv6 counts as IPv4.',
    )
    .meta({ openapi: { type: 'string', pattern: RANGE_PATTERN, minLength: 2, maxLength: MAX_RANGE } }),
  reason: text(
    'Events whose reason contains this text. There are no wildcards. A to Z match in upper and lower case, all other characters exactly.',
  ).optional(),
  from: logPoint('The first revision, or the earliest time (to the millisecond), included.').optional(),
  to: logPoint('The last revision, or the latest time (to the millisecond), included.').optional(),
  afterRevision: logPoint('Events after this revision, or later than this time.').optional(),
  beforeRevision: logPoint('Events before this revision, or earlier than this time.').optional(),
};
export type EventSelection = z.output<z.ZodObject<typeof selection>>;

function canonicalRange(range: string): string {
  const { network, bits } = parseRange(range);
  return `${network}/${bits}`;
}

/** Whether two points of the same kind are in the wrong order. A revision and a time can only be compared by the log. */
const isReversed = (from: LogPoint | undefined, to: LogPoint | undefined): boolean => {
  if (!from || !to) return false;
  if ('revision' in from) return 'revision' in to && from.revision > to.revision;
  return 'time' in to && from.time > to.time;
};

/** Whether no event can lie between two points of the same kind, neither of which is included. */
const isEmptyBetween = (after: LogPoint | undefined, before: LogPoint | undefined): boolean => {
  if (!after || !before) return false;
  if ('revision' in after) return 'revision' in before && after.revision >= before.revision;
  return 'time' in before && after.time >= before.time;
};

interface Bounds {
  readonly from?: LogPoint | undefined;
  readonly to?: LogPoint | undefined;
  readonly afterRevision?: LogPoint | undefined;
  readonly beforeRevision?: LogPoint | undefined;
}

/** Refuses bounds between which no event can lie. */
const inOrder = <T extends z.ZodType<Bounds>>(schema: T): T =>
  schema
    .refine(({ from, to }) => !isReversed(from, to), { path: ['to'], error: END_BEFORE_BEGIN })
    .refine(({ afterRevision, beforeRevision }) => !isEmptyBetween(afterRevision, beforeRevision), {
      path: ['beforeRevision'],
      error: 'must be above `afterRevision`',
    });

export const eventListQuery = inOrder(
  z.strictObject({
    ...selection,
    order: order('Newest first by default.'),
    limit: queryInteger(1, MAX_LIMIT)
      .optional()
      .describe(
        `The most events of a page; ${DEFAULT_LIMIT} by default. A page may have fewer: go on as long as there is a \`nextCursor\`.`,
      ),
    cursor: queryCursor(MAX_CURSOR).describe('`nextCursor` of the page before, with the same filters and order.'),
  }),
);
export type EventListQuery = z.output<typeof eventListQuery>;

export const eventExportQuery = inOrder(
  z.strictObject({
    ...selection,
    order: order('Oldest first by default.'),
    format: z
      .enum(EXPORT_FORMATS)
      .optional()
      .describe('`ndjson` (default): one event per line, as the API returns it. `csv`: for spreadsheets.'),
  }),
);
export type EventExportQuery = z.output<typeof eventExportQuery>;

const ANCHOR = /^([0-9]{1,16}):([0-9a-f]{64})$/;

const anchor = z
  .string()
  .regex(ANCHOR, { error: 'must be <revision>:<hash>, as returned by GET /api/v1/audit/head', abort: true })
  .transform((value): ChainLink => {
    const [, revision, hash] = ANCHOR.exec(value) ?? [];
    return { revision: Number(revision), hash: hash ?? '' };
  })
  .refine(({ revision }) => Number.isSafeInteger(revision), 'must have a revision below 2^53')
  .describe('A revision and its hash that were stored elsewhere earlier, as `<revision>:<hash>`.')
  .meta({ openapi: { type: 'string', pattern: ANCHOR.source, maxLength: MAX_ANCHOR } });

/** A point of the log at which there can be an event. */
const eventPoint = (description: string) =>
  logPoint(description).refine(
    point => 'time' in point || point.revision > 0,
    'must be at least 1, the revision of the first event',
  );

export const verifyQuery = z
  .strictObject({
    from: eventPoint('The first revision, or the earliest time, included; the beginning by default.').optional(),
    to: eventPoint('The last revision, or the latest time, included; the head by default.').optional(),
    anchor: anchor.optional(),
  })
  .refine(({ from, to }) => !isReversed(from, to), { path: ['to'], error: END_BEFORE_BEGIN });
export type VerifyQuery = z.output<typeof verifyQuery>;

export const eventParams = z.strictObject({ revision: revisionNumber().describe('The revision of the event.') });
export type EventParams = z.output<typeof eventParams>;
