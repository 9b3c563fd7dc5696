import { patchView, queryCursor, queryInteger } from '@coordination/http';
import { z } from 'zod';
import { auditActionSchema, auditSourceSchema } from '@coordination/log';
import { REASON_OF_EVENT } from '../events/audit.schemas.js';
import { DEFAULT_NAMESPACE, instanceName, instanceUuid, namespaceName, serviceName } from '../api/naming.schemas.js';

export const DEFAULT_VERSIONS = 50;

/** Each version may come with an instance of 33 kB, and with a patch as large. */
const MAX_VERSIONS = 100;
const MAX_CURSOR = 1_000;

/** The id of the registry's example, so that its history can be asked for as the document stands. */
const EXAMPLE_ID = '0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f01';

export const HistoryPath = z.strictObject({
  id: instanceUuid.meta({
    description: 'The `id` that the instance has or had.',
    openapi: { type: 'string', format: 'uuid' },
  }),
});
export type HistoryPath = z.infer<typeof HistoryPath>;

export const NamedHistoryPath = z.strictObject({
  service: serviceName.meta({ description: 'Name of the service.' }),
  instanceId: instanceName.meta({ description: 'The name that the instances gave themselves.' }),
});
export type NamedHistoryPath = z.infer<typeof NamedHistoryPath>;

export const HistoryListQuery = z.strictObject({
  order: z
    .enum(['asc', 'desc'])
    .default('asc')
    .meta({ description: 'By revision: `asc` oldest first, `desc` newest first.' }),
  limit: queryInteger(1, MAX_VERSIONS).default(DEFAULT_VERSIONS).meta({ description: 'The most versions of a page.' }),
  cursor: queryCursor(MAX_CURSOR).meta({
    description: '`nextCursor` of the page before, for the same instance and order.',
  }),
});
export type HistoryListQuery = z.infer<typeof HistoryListQuery>;

export const NamedHistoryListQuery = HistoryListQuery.extend({
  namespace: namespaceName.default(DEFAULT_NAMESPACE).meta({ description: 'Namespace of the service.' }),
});
export type NamedHistoryListQuery = z.infer<typeof NamedHistoryListQuery>;

export const InstanceVersionView = z
  .looseObject({
    revision: z.int().min(1).meta({ description: 'The revision of the change.' }),
    at: z.string().meta({ description: 'Database time of the change.', format: 'date-time' }),
    action: auditActionSchema.meta({ description: 'What happened.' }),
    actor: z.string().meta({ description: 'Who did it.' }),
    clientAddress: z.string().nullable().meta({ description: 'From where; null for what the service did itself.' }),
    requestId: z.string().nullable().meta({ description: 'The `X-Request-Id` of the request.' }),
    source: auditSourceSchema.meta({ description: 'Through which protocol it came in.' }),
    reason: z.string().nullable().meta({ description: REASON_OF_EVENT }),
    batchId: z.string().meta({ description: 'Names the transaction; events of one share it.', format: 'uuid' }),
    instanceUuid: z.string().meta({
      description: 'The `id` of the instance. Whoever registers under a name that is free has a new one.',
      format: 'uuid',
    }),
    version: z.int().min(1).nullable().meta({ description: 'Version of the instance after the change.' }),
    patch: patchView.meta({
      description:
        'What changed from the version before (RFC 6902). Before it was registered, and when it is gone, an instance is `{}`: all patches in their order make every version of it.',
    }),
    instance: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'The instance after the change; null when it is gone.' }),
  })
  .meta({ id: 'InstanceVersion' });

export const HistoryPageView = z
  .looseObject({
    items: z.array(InstanceVersionView),
    nextCursor: z.string().nullable().meta({
      description: 'For the next page; null at the end. A page may be short although there are more.',
    }),
    oldestRevision: z.int().min(0).meta({
      description: 'Versions up to this revision are no longer retained; 0: the whole history is there.',
    }),
  })
  .meta({
    id: 'InstanceHistory',
    description: 'One page of the versions of an instance, or of all instances that ever had a name.',
  });

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
