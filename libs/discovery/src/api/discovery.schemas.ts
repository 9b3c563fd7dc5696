import { queryCursor, queryInteger } from '@coordination/http';
import {
  DEFAULT_NAMESPACE,
  instanceView,
  namespaceOrAllSchema,
  namespaceSchema,
  serviceSchema,
  STATUSES,
} from '@coordination/catalog';
import { z } from 'zod';
import { SEARCH_ORDERS, SEARCH_SORTS } from '../search/catalog-search.js';
import { FRESHNESS_PARAMETERS, WAITING_PARAMETERS } from '../freshness/read-consistency.js';
import { fieldsParameter, NAMED_IN_CATALOG } from '../listing/instance-fields.js';
import { FILTER_PARAMETERS } from '../filter/selection.schemas.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const MAX_CURSOR_LENGTH = 2_000;

export { ALL_NAMESPACES } from '@coordination/catalog';

const namespace = namespaceSchema.default(DEFAULT_NAMESPACE);

export const anyNamespace = namespaceOrAllSchema.default(DEFAULT_NAMESPACE).describe('Namespace, or `*` for all.');

export const namespacesQuery = z.strictObject({ ...FRESHNESS_PARAMETERS, ...WAITING_PARAMETERS });
export type NamespacesQuery = z.output<typeof namespacesQuery>;

/** The query parameters of all reads of one namespace. */
export const selectingQuery = z.strictObject({ namespace, ...FILTER_PARAMETERS, ...FRESHNESS_PARAMETERS });

export const servicesQuery = selectingQuery.extend(WAITING_PARAMETERS);
export type ServicesQuery = z.output<typeof servicesQuery>;

export const serviceParams = z.strictObject({ service: serviceSchema });
export type ServiceParams = z.output<typeof serviceParams>;

export const searchQuery = z.strictObject({
  namespace: anyNamespace,
  service: serviceSchema.optional(),
  ...FILTER_PARAMETERS,
  sort: z
    .enum(SEARCH_SORTS)
    .default('service')
    .describe('The sort key of the instances; equal keys are sorted by identity or id.'),
  order: z.enum(SEARCH_ORDERS).default('asc').describe('`asc`: the least first; `desc`: the greatest first.'),
  limit: queryInteger(1, MAX_LIMIT).default(DEFAULT_LIMIT).describe('Instances per page.'),
  cursor: queryCursor(MAX_CURSOR_LENGTH).describe(
    '`nextCursor` of the previous page, with the same other parameters; `limit` may differ.',
  ),
  fields: fieldsParameter(NAMED_IN_CATALOG),
  ...FRESHNESS_PARAMETERS,
  ...WAITING_PARAMETERS,
});
export type SearchQuery = z.output<typeof searchQuery>;

const revision = (about: string) => z.int().min(0).describe(about);

const statusCounts = z
  .looseObject({
    total: z.int().min(0),
    ...(Object.fromEntries(STATUSES.map(status => [status, z.int().min(0)])) as Record<
      (typeof STATUSES)[number],
      z.ZodInt
    >),
  })
  .meta({ id: 'StatusCounts' });

export const namespaceList = z
  .looseObject({
    revision: revision('The revision of the catalog.'),
    namespaces: z.array(
      z
        .looseObject({
          namespace: z.string(),
          services: z.int().min(0).describe('Services that have instances.'),
          instances: z.int().min(0),
        })
        .meta({ id: 'NamespaceSummary' }),
    ),
  })
  .meta({ id: 'NamespaceList' });

export const serviceList = z
  .looseObject({
    revision: revision(
      'The last revision that touched the namespace; the revision of the catalog, if the namespace never had a service.',
    ),
    services: z.array(
      z
        .looseObject({
          service: z.string(),
          types: z.array(z.string()),
          instances: statusCounts,
          versions: z.array(z.string()).describe('Every `metadata.version`.'),
          zones: z.array(z.string()),
          tags: z.array(z.string()).describe('Every tag as `key=value`.'),
        })
        .meta({ id: 'ServiceSummary' }),
    ),
  })
  .meta({ id: 'ServiceList' });

export const serviceInstances = z
  .looseObject({
    service: z.string(),
    revision: revision(
      'The last revision that touched the service; the revision of the catalog, if the service never had an instance.',
    ),
    counts: statusCounts.describe('Counts of all instances that the filters other than `status` select.'),
    instances: z.array(instanceView).describe('Sorted by instanceId. With `fields`, they have no other members.'),
    nextCursor: z
      .string()
      .nullable()
      .optional()
      .describe('For the next page; null at the end. Absent without `limit`.'),
  })
  .meta({ id: 'ServiceInstances' });

export const instancePage = z
  .looseObject({
    revision: revision('The revision of the catalog that this page shows.'),
    items: z.array(instanceView).describe('With `fields`, they have no other members.'),
    nextCursor: z.string().nullable().describe('For the next page; null at the end.'),
  })
  .meta({ id: 'InstancePage' });
