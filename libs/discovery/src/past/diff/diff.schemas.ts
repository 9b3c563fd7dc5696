import { logPoint } from '@coordination/log';
import { patchView, queryCursor, queryInteger } from '@coordination/http';
import { INSTANCE_EXAMPLE, instanceView, serviceSchema } from '@coordination/catalog';
import { z } from 'zod';
import { anyNamespace } from '../../api/discovery.schemas.js';
import { FILTER_PARAMETERS } from '../../filter/selection.schemas.js';

const DEFAULT_LIMIT = 100;

/** Each may come with two instances of up to 33 kB, and a patch as large. */
const MAX_LIMIT = 500;
const MAX_CURSOR_LENGTH = 2_000;

const MOMENT = 'a revision, or an RFC 3339 time, which means the last revision at or before it';

export const diffQuery = z.strictObject({
  from: logPoint(`The first revision: ${MOMENT}. The diff does not contain the changes of this revision itself.`),
  to: logPoint(`The second revision, which must not be earlier: ${MOMENT}. By default, the present.`).optional(),
  namespace: anyNamespace,
  service: serviceSchema.optional(),
  ...FILTER_PARAMETERS,
  limit: queryInteger(1, MAX_LIMIT)
    .default(DEFAULT_LIMIT)
    .describe(
      'The most instances that differ, per page. A page may have fewer: go on as long as there is a `nextCursor`.',
    ),
  cursor: queryCursor(MAX_CURSOR_LENGTH).describe(
    '`nextCursor` of the previous page, with the same other parameters; `to` may stay absent.',
  ),
});
export type DiffQuery = z.output<typeof diffQuery>;

const serviceDiff = z
  .looseObject({
    namespace: z.string(),
    service: z.string(),
    added: z.array(instanceView).describe('Not selected at `from`; as they are at `to`.'),
    removed: z.array(instanceView).describe('No longer selected at `to`; as they were at `from`.'),
    changed: z
      .array(
        z.looseObject({ before: instanceView, after: instanceView, patch: patchView }).meta({
          id: 'ChangedInstance',
          description: 'An instance at `from` and at `to`, and the patch between them.',
        }),
      )
      .describe('Selected at both revisions, with another spec, override or status.'),
  })
  .meta({ id: 'ServiceDiff' });

export const catalogDiff = z
  .looseObject({
    from: z.int().min(0).describe('The revision that `from` means.'),
    to: z.int().min(0).describe('The revision that `to` means.'),
    services: z
      .array(serviceDiff)
      .describe('Services with differences, by name. A service with many differences continues on the next page.'),
    nextCursor: z
      .string()
      .nullable()
      .describe('For the next page; null at the end. A page may be short although there are more.'),
  })
  .meta({ id: 'CatalogDiff' });

/** A diff of the catalog that the other examples create. */
export const DIFF_EXAMPLES = {
  parameters: { from: '0', namespace: 'default', service: 'orders' },
  response: {
    from: 0,
    to: 1841,
    services: [{ namespace: 'default', service: 'orders', added: [INSTANCE_EXAMPLE], removed: [], changed: [] }],
    nextCursor: null,
  },
};
