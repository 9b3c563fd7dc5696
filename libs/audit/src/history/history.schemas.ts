import {
  DEFAULT_NAMESPACE,
  EXAMPLE_ID,
  namespaceSchema,
  instanceIdSchema,
  instanceUuidSchema,
  serviceSchema,
} from '@coordination/catalog';
import { patchView, queryCursor, queryInteger } from '@coordination/http';
import { z } from 'zod';
import { CHANGE_FIELDS, ORIGIN_FIELDS, versionField } from '../events/event.schemas.js';

const DEFAULT_VERSIONS = 50;

/** Each version may have an instance of 33 kB, and a patch of the same size. */
const MAX_VERSIONS = 100;
const MAX_CURSOR = 1_000;

export const historyParams = z.strictObject({
  id: instanceUuidSchema
    .describe('The `id` that the instance has or had.')
    .meta({ openapi: { type: 'string', format: 'uuid' } }),
});
export type HistoryParams = z.output<typeof historyParams>;

export const namedHistoryParams = z.strictObject({
  service: serviceSchema.describe('Name of the service.'),
  instanceId: instanceIdSchema.describe('The name that the instances gave themselves.'),
});
export type NamedHistoryParams = z.output<typeof namedHistoryParams>;

export const historyQuery = z.strictObject({
  order: z.enum(['asc', 'desc']).default('asc').describe('Order by revision: `asc` oldest first, `desc` newest first.'),
  limit: queryInteger(1, MAX_VERSIONS)
    .default(DEFAULT_VERSIONS)
    .describe('The most versions of a page. A page may have fewer: go on as long as there is a `nextCursor`.'),
  cursor: queryCursor(MAX_CURSOR).describe('`nextCursor` of the page before, for the same instance and order.'),
});
export type HistoryQuery = z.output<typeof historyQuery>;

export const namedHistoryQuery = historyQuery.extend({
  namespace: namespaceSchema.default(DEFAULT_NAMESPACE).describe('Namespace of the service.'),
});
export type NamedHistoryQuery = z.output<typeof namedHistoryQuery>;

const instanceVersionView = z
  .looseObject({
    ...CHANGE_FIELDS,
    ...ORIGIN_FIELDS,
    instanceUuid: z
      .string()
      .describe('The `id` of the instance. Each registration under a free name begins an instance with a new `id`.')
      .meta({ format: 'uuid' }),
    version: versionField,
    patch: patchView.describe(
      'What changed from the version before (RFC 6902). Before its registration and after its removal, an instance is `{}`; applying all patches in order therefore yields every version.',
    ),
    instance: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe('The instance after the change; null if it was removed by it.'),
  })
  .meta({ id: 'InstanceVersion' });

export const historyPageView = z
  .looseObject({
    items: z.array(instanceVersionView),
    nextCursor: z
      .string()
      .nullable()
      .describe('Cursor of the next page; null at the end. A page may be short although there are more versions.'),
    oldestRevision: z
      .int()
      .min(0)
      .describe('Versions up to this revision are no longer retained; 0: the history is complete.'),
  })
  .describe('One page of the versions of an instance, or of all instances that ever had a name.')
  .meta({ id: 'InstanceHistory' });

export const HISTORY_EXAMPLES = {
  id: EXAMPLE_ID,
  name: { service: 'orders', instanceId: 'orders-7f9c' },
  page: {
    items: [
      {
        revision: 7,
        at: '2026-11-23T10:15:30.123Z',
        action: 'instance.updated',
        actor: 'anonymous',
        clientAddress: '10.0.3.17',
        requestId: '019b0f1e-7a50-7b11-8a64-2f1f0f5f3b21',
        source: 'api',
        reason: 'moved to the new rack',
        batchId: '019b0f1e-7a51-7c22-9a64-2f1f0f5f3b21',
        instanceUuid: EXAMPLE_ID,
        version: 2,
        patch: [
          { op: 'replace', path: '/zone', value: 'eu-1b' },
          { op: 'replace', path: '/version', value: 2 },
          { op: 'replace', path: '/revision', value: 7 },
        ],
        instance: { id: EXAMPLE_ID, service: 'orders', instanceId: 'orders-7f9c', zone: 'eu-1b', version: 2 },
      },
    ],
    nextCursor: null,
    oldestRevision: 0,
  },
};
