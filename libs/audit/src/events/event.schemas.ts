import { textOf } from '@coordination/http';
import { auditActionSchema, auditSourceSchema, BREAK_REASONS } from '@coordination/log';
import { z } from 'zod';
import { EXAMPLE_HASH, EXAMPLE_TIME } from './audit.examples.js';

const MAX_INT32 = 2 ** 31 - 1;

const hash = (description: string) =>
  z
    .string()
    .describe(description)
    .meta({ examples: [EXAMPLE_HASH] });
const time3339 = (description: string) =>
  z
    .string()
    .describe(description)
    .meta({ format: 'date-time', examples: [EXAMPLE_TIME] });
const state = (description: string) => z.record(z.string(), z.unknown()).nullable().describe(description);

/** The fields that identify a change. */
export const CHANGE_FIELDS = {
  revision: z.int().min(1).describe('Position in the log: the revision that the catalog has after the change.'),
  at: time3339('Time of the change, by the clock of the database; never earlier than that of the event before.'),
  action: auditActionSchema.describe('What happened.'),
};

/** The fields that describe who requested a change, and how. */
export const ORIGIN_FIELDS = {
  actor: z.string().describe('The caller; `anonymous` while there is no access control.'),
  clientAddress: z
    .string()
    .nullable()
    .describe('Address of the client; null for a change that the service made by itself.'),
  requestId: z.string().nullable().describe('The `X-Request-Id` of the request.'),
  source: auditSourceSchema.describe('The protocol of the request.'),
  reason: z
    .string()
    .nullable()
    .describe(
      'The `X-Change-Reason` of the request, else the reason in its body (of an override or a guard order). For a change that the service made by itself, a text of the service.',
    ),
  batchId: z
    .string()
    .describe('UUID of the transaction: all events of one transaction have the same.')
    .meta({ format: 'uuid' }),
};

export const versionField = z.int().min(1).nullable().describe('Version of the instance after the change.');

export const auditEventView = z
  .looseObject({
    ...CHANGE_FIELDS,
    namespace: z.string().nullable(),
    service: z.string().nullable(),
    instanceId: z.string().nullable().describe('The name that the instance gave itself.'),
    instanceUuid: z.string().nullable().describe('The `id` of the instance.').meta({ format: 'uuid' }),
    ...ORIGIN_FIELDS,
    version: versionField,
    before: state('The instance before the change; null if it was registered by it.'),
    after: state('The instance after the change; null if it was removed by it.'),
    hashVersion: z.int().min(1).max(MAX_INT32).describe('Version of the hash algorithm; so far always 1.'),
    previousHash: hash('`hash` of the event before; 64 zeros for the first event.'),
    hash: hash('SHA-256 over the RFC 8785 form of all other fields.'),
  })
  .describe('One change to the catalog. Events never change.')
  .meta({ id: 'AuditEvent' });

export const eventPageView = z
  .looseObject({
    items: z.array(auditEventView),
    nextCursor: z
      .string()
      .nullable()
      .describe(
        'Cursor of the next page; null at the end. A page may be short, or empty, although there are more events.',
      ),
  })
  .describe('One page of events.')
  .meta({ id: 'AuditEventPage' });

export const logHeadView = z
  .looseObject({
    revision: z.int().min(0).describe('Revision of the newest event; 0 while there is none.'),
    hash: hash('Hash of the newest event.'),
    epoch: z.string().describe('UUID of the epoch: a history from which no change was lost.').meta({ format: 'uuid' }),
    at: time3339('Time of the newest event.'),
  })
  .describe('The end of the log. Stored elsewhere, it is an anchor.')
  .meta({ id: 'LogHead' });

export const verdictView = z
  .looseObject({
    valid: z.boolean().describe('Whether no break was found.'),
    checked: z.int().min(0).describe('How many events were hashed again and match.'),
    head: z
      .looseObject({ revision: z.int().min(0), hash: hash('Hash of the head.') })
      .meta({ id: 'VerifiedHead' })
      .describe('The end of the log when the verification began.'),
    firstBroken: z
      .looseObject({
        revision: z.int().min(1).describe('The first revision at which the log differs from what was written.'),
        reason: z
          .enum(BREAK_REASONS)
          .meta({ id: 'ChainBreakReason' })
          .describe('Explained in the description of the operation.'),
      })
      .meta({ id: 'ChainBreak' })
      .nullable()
      .describe('null if no break was found.'),
  })
  .describe('The result of a verification.')
  .meta({ id: 'AuditVerdict' });

export const exportView = textOf(auditEventView, 'application/x-ndjson').describe(
  'One event per line. In CSV, the fields `before` and `after` contain JSON.',
);
