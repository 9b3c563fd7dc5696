import { findUnstorable, type JsonObject } from '@coordination/kernel';
import { z } from 'zod';
import {
  type Check,
  hostSchema,
  type InstanceSpec,
  instanceTypeSchema,
  inStoredOrder,
  metadataShape,
  schemeSchema,
  specOf,
} from '@coordination/catalog';
import { checkSchema } from './check.schema.js';

const MAX_METADATA_BYTES = 32 * 1024;
const MAX_METADATA_DEPTH = 8;
const DEFAULT_WEIGHT = 100;
const MAX_WEIGHT = 10_000;
const MAX_PORT = 65_535;

export const portSchema = z
  .int()
  .min(1)
  .max(MAX_PORT)
  .describe('Port that the instance listens on.')
  .meta({ examples: [8080] });

const metadataSchema = metadataShape
  .superRefine((metadata, context) => {
    for (const { path, message } of findUnstorable(metadata, '', MAX_METADATA_DEPTH)) {
      context.addIssue({ code: 'custom', message, path: path.split('/').slice(1) });
    }
  })
  .refine(
    metadata => Buffer.byteLength(JSON.stringify(metadata)) <= MAX_METADATA_BYTES,
    `must not be larger than ${MAX_METADATA_BYTES} bytes of JSON`,
  )
  .default({})
  .describe(
    `Any JSON object up to ${MAX_METADATA_BYTES / 1024} KiB and ${MAX_METADATA_DEPTH} levels. Discovery can filter by it.`,
  )
  .meta({
    examples: [
      { version: '2.4.1', environment: 'prod', region: 'eu', tags: { team: 'checkout' }, capabilities: ['refund'] },
    ],
  });

/** The fields of a registration that the caller may set and change. */
export const SPEC_FIELDS = {
  type: instanceTypeSchema.default('api').describe('What the instance is, such as an API or a worker.'),
  scheme: schemeSchema.default('http').describe('Protocol of the instance.'),
  host: hostSchema,
  port: portSchema,
  zone: z
    .string()
    .regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?$/, 'must be 1 to 100 of letters, digits, . _ / -')
    .nullish()
    .transform(zone => zone ?? null)
    .describe('Failure domain that the instance runs in.')
    .meta({ examples: ['eu-1a'], minLength: 1, maxLength: 100 }),
  weight: z
    .int()
    .min(0)
    .max(MAX_WEIGHT)
    .default(DEFAULT_WEIGHT)
    .describe('Share of the load; 0: only when no other instance is available.'),
  metadata: metadataSchema,
  check: checkSchema,
} as const;

/** The fields that the caller may set, as one document: the result of a merge patch is validated by it. */
export const instanceSpecSchema = z.strictObject(SPEC_FIELDS);

/**
 * The same for a merge patch without a host: the stored host stays as it is, even if an earlier version accepted it by other
 * rules.
 */
export const specOfSameHostSchema = z.strictObject({ ...SPEC_FIELDS, host: z.string() });

/** The spec of an instance from validated fields, which include the defaults. */
export const toSpec = (checked: z.output<typeof instanceSpecSchema>): InstanceSpec =>
  specOf({
    ...checked,
    metadata: inStoredOrder(checked.metadata as JsonObject),
    check: inStoredOrder<JsonObject>({ ...checked.check }) as unknown as Check,
  });
