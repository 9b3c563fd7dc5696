import { anyNamespace, FILTER_PARAMETERS } from '@coordination/discovery';
import { serviceSchema, statusSchema } from '@coordination/catalog';
import { setOverride } from '@coordination/registry';
import { z } from 'zod';

const ALL = 'Says that every instance of the namespace is meant, which nothing else may narrow then.';

/** The query parameters that say whose overrides are taken back. */
export const selectorQuery = z.strictObject({
  namespace: anyNamespace,
  service: serviceSchema.optional(),
  ...FILTER_PARAMETERS,
  all: z
    .enum(['true', 'false'])
    .default('false')
    .transform(all => all === 'true')
    .describe(ALL)
    .meta({ openapi: { type: 'boolean', default: false } }),
});

/** In a body an object may be written as one. */
const metadata = z
  .preprocess(
    value => (typeof value === 'object' && value !== null ? JSON.stringify(value) : value),
    FILTER_PARAMETERS.metadata,
  )
  .optional()
  .describe('A JSON object that the metadata contains.')
  .meta({ openapi: { type: 'object', additionalProperties: true } });

/** The same in a body. */
export const selectorBody = z
  .strictObject({
    namespace: anyNamespace,
    service: serviceSchema.optional(),
    ...FILTER_PARAMETERS,
    metadata,
    all: z.boolean().default(false).describe(ALL),
  })
  .meta({ id: 'InstanceSelector' });
export type Selector = z.output<typeof selectorBody>;

export const overrideMany = z
  .strictObject({
    selector: selectorBody.describe('Which instances are meant; all its parts must hold.'),
    ...setOverride.shape,
  })
  .meta({ id: 'OverrideMany' });
export type OverrideMany = z.output<typeof overrideMany>;

const count = (about: string) => z.int().min(0).describe(about);

/** How many of the changed instances an answer names. */
export const MAX_NAMED = 1_000;

export const overridesResult = z
  .looseObject({
    revision: count('The revision of the catalog that the answer speaks of.'),
    matched: count('Instances that the selector means.'),
    changed: count('Those that got the override, or lost theirs: one revision each.'),
    unchanged: count('Those that were like that already.'),
    instances: z
      .array(
        z
          .looseObject({
            id: z.uuid(),
            namespace: z.string(),
            service: z.string(),
            instanceId: z.string(),
            status: statusSchema,
            version: z.int().min(1),
          })
          .meta({ id: 'OverriddenInstance' }),
      )
      .describe(
        `The changed ones as they are now, by namespace, service and instanceId; the first ${MAX_NAMED}. The audit log has all, under the request’s id.`,
      ),
  })
  .meta({ id: 'OverridesResult' });
