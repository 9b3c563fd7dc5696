import { RFC3339_TIME } from '@coordination/log';
import { readableText } from '@coordination/http';
import { hasDotSegment, itemOfLongList } from '@coordination/kernel';
import { z } from 'zod';
import {
  initialStateSchema,
  instanceIdSchema,
  instanceUuidSchema,
  leasedInstanceView,
  namespaceSchema,
  overrideScopeSchema,
  overrideStatusSchema,
  serviceSchema,
} from '@coordination/catalog';
import { SPEC_FIELDS } from '../domain/spec/instance-spec.schema.js';

const MAX_BATCH = 1_000;
const MAX_OUTPUT_LENGTH = 4_096;
const MAX_REASON_LENGTH = 500;

/** Names that new instances may have. Instances with other names are older, and stay. */
const newInstanceIdSchema = instanceIdSchema.refine(name => !hasDotSegment(name), {
  error:
    'must not be . or .., which clients and proxies remove from paths: choose another name. An existing instance with such a name is read, renewed and removed by its id',
});

export const incarnationSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9._:@+/=-]{1,100}$/,
    'must be 1 to 100 of letters, digits, . _ : @ + / = - (in a URL, + is written %2B)',
  )
  .meta({ examples: ['2026-11-23T08:15:30Z-4711'], minLength: 1, maxLength: 100 });

const incarnation = incarnationSchema
  .optional()
  .describe(
    'A text that the process chooses at its start and that no other process of this name ever has, such as a UUID. A value that differs from the previous one means that another process has started.',
  );

const status = initialStateSchema
  .optional()
  .describe(
    'Initial health; healthy by default, and always unknown where probes decide. Applies only when the instance is new or its health is reset.',
  );

/** The body of a registration. */
export const registerInstance = itemOfLongList(
  z
    .strictObject({
      namespace: namespaceSchema.optional(),
      service: serviceSchema,
      instanceId: newInstanceIdSchema.optional(),
      incarnation,
      ...SPEC_FIELDS,
      status,
    })
    .meta({ id: 'RegisterInstance' }),
);
export type RegisterInstance = z.output<typeof registerInstance>;

/** The body of a PUT: the identity is in the path, and may be repeated but not changed. */
export const replaceInstance = z
  .strictObject({
    namespace: namespaceSchema.optional(),
    service: serviceSchema.optional(),
    instanceId: instanceIdSchema.optional(),
    incarnation,
    ...SPEC_FIELDS,
    status,
  })
  .meta({ id: 'ReplaceInstance' });
export type ReplaceInstance = z.output<typeof replaceInstance>;

export const registerBatch = z
  .strictObject({
    instances: z.array(registerInstance).min(1).max(MAX_BATCH).describe('All of them are registered, or none.'),
  })
  .meta({ id: 'RegisterBatch' });
export type RegisterBatch = z.output<typeof registerBatch>;

/** The result of the patch is validated, in the transaction that applies it. */
export const patchInstance = z
  .record(z.string(), z.unknown())
  .describe('JSON merge patch (RFC 7396) of the fields of a registration; null resets a field to its default.')
  .meta({ id: 'PatchInstance' });
export type PatchInstance = z.output<typeof patchInstance>;

export const reportHealth = z
  .strictObject({
    healthy: z.boolean(),
    output: readableText(MAX_OUTPUT_LENGTH).default('').describe('Details of the check, for people.'),
  })
  .meta({ id: 'ReportHealth' });
export type ReportHealth = z.output<typeof reportHealth>;

export const setOverride = z
  .strictObject({
    status: overrideStatusSchema,
    scope: overrideScopeSchema
      .optional()
      .describe(
        'What the override belongs to: `incarnation`, the process that runs now, so that it ends with the next one; or `instance`, the name, so that it stays. Default: `incarnation` for stopping and stopped, `instance` for maintenance.',
      ),
    reason: readableText(MAX_REASON_LENGTH).optional(),
    until: RFC3339_TIME.optional().describe('When the override ends by itself (RFC 3339); absent: when it is cleared.'),
  })
  .meta({ id: 'SetOverride' });
export type SetOverride = z.output<typeof setOverride>;

export const namespaceQuery = z.strictObject({ namespace: namespaceSchema.optional() });
export type NamespaceQuery = z.output<typeof namespaceQuery>;

/** A query parameter of calls that a process makes for itself. */
export const incarnationQuery = {
  incarnation: incarnationSchema
    .optional()
    .describe(
      'The incarnation that the caller speaks for. If another one runs now, the response is 409 INCARNATION_ENDED and nothing changes.',
    ),
};

export type IncarnationQuery = { readonly incarnation?: string | undefined };

export const idParams = z.strictObject({
  id: instanceUuidSchema.describe('The id that the server gave the instance.'),
});
export type IdParams = z.output<typeof idParams>;

export const nameParams = z.strictObject({ service: serviceSchema, instanceId: instanceIdSchema });
export type NameParams = z.output<typeof nameParams>;

export const batchResult = z
  .looseObject({
    revision: z.int().min(0).describe('The revision of the catalog that has all of them.'),
    results: z
      .array(
        z
          .looseObject({
            outcome: z.enum(['created', 'updated', 'unchanged']).meta({ id: 'RegistrationOutcome' }),
            instance: leasedInstanceView,
          })
          .meta({ id: 'RegistrationResult' }),
      )
      .describe('One for each instance of the request, in its order.'),
  })
  .meta({ id: 'BatchResult' });
