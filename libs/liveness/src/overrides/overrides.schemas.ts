import { anyNamespace, FILTER_PARAMETERS } from '@coordination/discovery';
import { serviceSchema, statusSchema } from '@coordination/catalog';
import { setOverride } from '@coordination/registry';
import { z } from 'zod';

const ALL = 'Selects every instance of the namespace; then no other condition is allowed.';

/** The query parameters that select the instances whose overrides are cleared. */
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

/** In a body, metadata is a JSON object, or its text as in a query. */
const metadata = z
  .preprocess(
    value => (typeof value === 'object' && value !== null ? JSON.stringify(value) : value),
    FILTER_PARAMETERS.metadata,
  )
  .optional()
  .describe('A JSON object that the metadata contains.')
  .meta({ openapi: { type: 'object', additionalProperties: true } });

/** The selector in a body. */
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
    selector: selectorBody.describe('Which instances are selected; they match all conditions.'),
    ...setOverride.shape,
  })
  .meta({ id: 'OverrideMany' });
export type OverrideMany = z.output<typeof overrideMany>;

const count = (about: string) => z.int().min(0).describe(about);

/** The most changed instances that a response names. */
export const MAX_NAMED = 1_000;

export const overridesResult = z
  .looseObject({
    revision: count('The revision of the catalog after the change.'),
    matched: count('Instances that match the selector.'),
    changed: count('Those whose override was set or cleared: one revision each.'),
    unchanged: count('Those that needed no change.'),
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
        `The changed instances, by namespace, service and instanceId; the first ${MAX_NAMED}. The audit log has all of them, under the id of the request.`,
      ),
  })
  .meta({ id: 'OverridesResult' });
