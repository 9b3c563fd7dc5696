import { queryCommaList, queryCursor, queryInteger, revisionNumber, textOf } from '@coordination/http';
import { isAddressRange, parseRange } from '@coordination/kernel';
import { z } from 'zod';
import {
  auditActionSchema,
  auditSourceSchema,
  BREAK_REASONS,
  type ChainLink,
  EXPORT_FORMATS,
  type LogPoint,
  logPoint,
  TURNED_ROUND,
} from '@coordination/log';
import { instanceName, instanceUuid, namespaceOrAll, serviceName } from '../api/naming.schemas.js';

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1_000;
const MAX_TEXT = 500;
const MAX_CURSOR = 1_000;
const MAX_ANCHOR = 81;
/** The longest address, and the bits of its network. */
const MAX_RANGE = 49;
const RANGE_PATTERN = '^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$';
const MAX_INT32 = 2 ** 31 - 1;

const EXAMPLE_HASH = '9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a';
const EXAMPLE_UUID = '019b0f1e-7a52-7c3d-9a64-2f1f0f5f3b21';
const EXAMPLE_TIME = '2026-11-23T10:15:30.123Z';

const text = (about: string) => z.string().min(1).max(MAX_TEXT).meta({ description: about });

const order = (first: string) =>
  z
    .enum(['asc', 'desc'])
    .optional()
    .meta({ description: `By revision: \`asc\` oldest first, \`desc\` newest first. ${first}` });

/** Which events a request asks for. */
const selection = {
  namespace: namespaceOrAll
    .optional()
    .meta({ description: 'Events of one namespace; all of them by default, and with `*`.' }),
  service: serviceName.optional().meta({ description: 'Events of the services of this name.' }),
  instanceId: instanceName
    .optional()
    .meta({ description: 'Events of the instances that gave themselves this name; upper and lower case differ.' }),
  instance: instanceUuid
    .optional()
    .meta({ description: 'Events of the instance with this `id`.', openapi: { type: 'string', format: 'uuid' } }),
  action: queryCommaList(auditActionSchema).describe('What happened: one of these actions, separated by commas.'),
  actor: text('Who did it.').optional(),
  source: auditSourceSchema.optional().meta({ description: 'Through which protocol it came in.' }),
  requestId: text('The `X-Request-Id` of the request that did it.').optional(),
  batchId: z
    .uuid('must be the UUID of a transaction, as `batchId` of an event tells it')
    .transform(value => value.toLowerCase())
    .optional()
    .meta({ description: 'Events of this transaction.', openapi: { type: 'string', format: 'uuid' } }),
  clientAddress: z
    .string()
    .max(MAX_RANGE)
    .refine(isAddressRange, {
      error: 'must be an address or a CIDR, such as 10.0.3.17 or 10.0.0.0/8',
      abort: true,
    })
    .transform(canonicalRange)
    .optional()
    .meta({
      description:
        'Events from this address, or from the addresses of this CIDR, in whatever spelling; IPv4 mapped into IPv6 is IPv4.',
      openapi: { type: 'string', pattern: RANGE_PATTERN, minLength: 2, maxLength: MAX_RANGE },
    }),
  reason: text(
    'Events whose reason has this text in it, as it stands: there are no wildcards. Letters A to Z count in either case, all others as they are.',
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

/** Whether two moments of one kind are in the wrong order. Of a revision and a time only the log can tell. */
const isTurnedRound = (from: LogPoint | undefined, to: LogPoint | undefined): boolean => {
  if (!from || !to) return false;
  if ('revision' in from) return 'revision' in to && from.revision > to.revision;
  return 'time' in to && from.time > to.time;
};

/** Whether nothing can be between two moments of one kind, of which neither is included. */
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

/** Bounds between which nothing can be are a mistake. */
const inOrder = <T extends z.ZodType<Bounds>>(schema: T): T =>
  schema
    .refine(({ from, to }) => !isTurnedRound(from, to), { path: ['to'], error: TURNED_ROUND })
    .refine(({ afterRevision, beforeRevision }) => !isEmptyBetween(afterRevision, beforeRevision), {
      path: ['beforeRevision'],
      error: 'must be above `afterRevision`',
    });

export const EventListQuery = inOrder(
  z.strictObject({
    ...selection,
    order: order('Newest first by default.'),
    limit: queryInteger(1, MAX_LIMIT)
      .optional()
      .meta({ description: `The most events of a page; ${DEFAULT_LIMIT} by default.` }),
    cursor: queryCursor(MAX_CURSOR).meta({
      description: '`nextCursor` of the page before, with the same filters and order.',
    }),
  }),
);
export type EventListQuery = z.infer<typeof EventListQuery>;

export const EventExportQuery = inOrder(
  z.strictObject({
    ...selection,
    order: order('Oldest first by default.'),
    format: z
      .enum(EXPORT_FORMATS)
      .optional()
      .meta({ description: '`ndjson` (default): one event a line, as the API tells it. `csv`: for spreadsheets.' }),
  }),
);
export type EventExportQuery = z.infer<typeof EventExportQuery>;

const ANCHOR = /^([0-9]{1,16}):([0-9a-f]{64})$/;

const anchor = z
  .string()
  .regex(ANCHOR, { error: 'must be <revision>:<hash>, as GET /api/v1/audit/head tells them', abort: true })
  .transform((value): ChainLink => {
    const [, revision, hash] = ANCHOR.exec(value) ?? [];
    return { revision: Number(revision), hash: hash ?? '' };
  })
  .refine(({ revision }) => Number.isSafeInteger(revision), 'must have a revision below 2^53')
  .meta({
    description: 'A revision and its hash that were noted earlier, as `<revision>:<hash>`.',
    openapi: { type: 'string', pattern: ANCHOR.source, maxLength: MAX_ANCHOR },
  });

/** A place in the log where an event can be. */
const eventPoint = (about: string) =>
  logPoint(about).refine(
    point => 'time' in point || point.revision > 0,
    'must be at least 1, the revision of the first event',
  );

export const VerifyQuery = z
  .strictObject({
    from: eventPoint('The first revision, or the earliest time, included; the beginning by default.').optional(),
    to: eventPoint('The last revision, or the latest time, included; the head by default.').optional(),
    anchor: anchor.optional(),
  })
  .refine(({ from, to }) => !isTurnedRound(from, to), { path: ['to'], error: TURNED_ROUND });
export type VerifyQuery = z.infer<typeof VerifyQuery>;

export const EventPath = z.strictObject({
  revision: revisionNumber().meta({ description: 'The revision of the event.' }),
});
export type EventPath = z.infer<typeof EventPath>;

/** What an event tells as its reason. */
export const REASON_OF_EVENT =
  'Why: the `X-Change-Reason` of the request, else the reason in its body (of an override or a guard order); of what the service did by itself, its own words.';

const hash = (about: string) => z.string().meta({ description: about, examples: [EXAMPLE_HASH] });
const time3339 = (about: string) =>
  z.string().meta({ description: about, format: 'date-time', examples: [EXAMPLE_TIME] });
const state = (about: string) => z.record(z.string(), z.unknown()).nullable().meta({ description: about });

export const AuditEventView = z
  .looseObject({
    revision: z.int().min(1).meta({ description: 'Place in the log; the revision that the change gave the catalog.' }),
    at: time3339('Database time; never earlier than the event before.'),
    action: auditActionSchema.meta({ description: 'What happened.' }),
    namespace: z.string().nullable(),
    service: z.string().nullable(),
    instanceId: z.string().nullable().meta({ description: 'The name that the instance gave itself.' }),
    instanceUuid: z.string().nullable().meta({ description: 'The `id` of the instance.', format: 'uuid' }),
    actor: z.string().meta({ description: 'Who did it; `anonymous` while there is no access control.' }),
    clientAddress: z.string().nullable().meta({ description: 'From where; null for what the service did itself.' }),
    requestId: z.string().nullable().meta({ description: 'The `X-Request-Id` of the request.' }),
    source: auditSourceSchema.meta({ description: 'Through which protocol it came in.' }),
    reason: z.string().nullable().meta({ description: REASON_OF_EVENT }),
    batchId: z.string().meta({ description: 'Names the transaction; events of one share it.', format: 'uuid' }),
    version: z.int().min(1).nullable().meta({ description: 'Version of the instance after the change.' }),
    before: state('The instance before; null if it was new.'),
    after: state('The instance after; null if it is gone.'),
    hashVersion: z.int().min(1).max(MAX_INT32).meta({ description: 'How the hash is built; 1 so far.' }),
    previousHash: hash('`hash` of the event before; 64 zeros for the first.'),
    hash: hash('SHA-256 over the RFC 8785 form of all other fields.'),
  })
  .meta({ id: 'AuditEvent', description: 'One change to the catalog, as it stays for ever.' });

export const EventPageView = z
  .looseObject({
    items: z.array(AuditEventView),
    nextCursor: z.string().nullable().meta({
      description: 'For the next page; null at the end. A page may be short, or empty, although there are more.',
    }),
  })
  .meta({ id: 'AuditEventPage', description: 'One page of events.' });

export const LogHeadView = z
  .looseObject({
    revision: z.int().min(0).meta({ description: 'Revision of the newest event; 0 while there is none.' }),
    hash: hash('Its hash.'),
    epoch: z.string().meta({ description: 'The unbroken history that it belongs to.', format: 'uuid' }),
    at: time3339('Its time.'),
  })
  .meta({ id: 'LogHead', description: 'Where the log ends: an anchor to keep elsewhere.' });

export const VerdictView = z
  .looseObject({
    valid: z.boolean().meta({ description: 'Whether nothing is wrong.' }),
    checked: z.int().min(0).meta({ description: 'How many events were hashed again and found whole.' }),
    head: z
      .looseObject({ revision: z.int().min(0), hash: hash('Hash of the head.') })
      .meta({ id: 'VerifiedHead' })
      .meta({ description: 'Where the log ended when the verification began.' }),
    firstBroken: z
      .looseObject({
        revision: z.int().min(1).meta({ description: 'The first revision at which the log is not what was written.' }),
        reason: z
          .enum(BREAK_REASONS)
          .meta({ id: 'ChainBreakReason' })
          .meta({ description: 'See the description of the operation.' }),
      })
      .meta({ id: 'ChainBreak' })
      .nullable()
      .meta({ description: 'null if nothing is wrong.' }),
  })
  .meta({ id: 'AuditVerdict', description: 'What a verification found.' });

export const ExportView = textOf(AuditEventView, 'application/x-ndjson').describe(
  'One event a line. As CSV, `before` and `after` are JSON in a field.',
);

/** Examples for the document. */
export const EXAMPLES = {
  head: { revision: 1841, hash: EXAMPLE_HASH, epoch: EXAMPLE_UUID, at: EXAMPLE_TIME },
  verdict: { valid: true, checked: 1841, head: { revision: 1841, hash: EXAMPLE_HASH }, firstBroken: null },
  event: {
    revision: 1,
    at: EXAMPLE_TIME,
    action: 'instance.registered',
    namespace: 'default',
    service: 'orders',
    instanceId: 'orders-1',
    instanceUuid: EXAMPLE_UUID,
    actor: 'anonymous',
    clientAddress: '10.0.3.17',
    requestId: '019b0f1e-7a50-7b11-8a64-2f1f0f5f3b21',
    source: 'api',
    reason: null,
    batchId: '019b0f1e-7a51-7c22-9a64-2f1f0f5f3b21',
    version: 1,
    before: null,
    after: { service: 'orders', instanceId: 'orders-1', host: '10.0.3.17', port: 8080 },
    hashVersion: 1,
    previousHash: '0'.repeat(64),
    hash: EXAMPLE_HASH,
  },
};
