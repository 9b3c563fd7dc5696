import { z } from 'zod';
import {
  healthDeciderSchema,
  healthStateSchema,
  instanceTypeSchema,
  overrideScopeSchema,
  overrideStatusSchema,
  probeMethodSchema,
  schemeSchema,
  statusSchema,
} from './enum.schemas.js';
import { forEachCheckKind } from './instance.js';
import { metadataShape } from './metadata.schema.js';
import { INSTANCE_FAULTS, NODE_FAULTS } from './probe-error.js';

const time = () =>
  z.iso
    .datetime()
    .describe('RFC 3339, UTC.')
    .meta({ examples: ['2026-11-23T08:15:30.123Z'] });

const nullableTime = (about: string) => z.iso.datetime().nullable().describe(about);

const health = {
  state: healthStateSchema,
  failures: z
    .int()
    .min(0)
    .describe('Consecutive failures that were reported, or that were probed when the state last changed.'),
  output: z.string().describe('The output of the last report or probe that counted.'),
  decidedBy: healthDeciderSchema.describe('What decided the state.'),
  since: time().describe('When the state began.'),
};

/** An operator's override of the health-derived status, in responses. */
export const overrideView = z
  .looseObject({
    status: overrideStatusSchema,
    scope: overrideScopeSchema.describe(
      'What the override applies to: the present process, with which it ends, or the name of the instance.',
    ),
    reason: z.string().nullable(),
    until: nullableTime('When the override ends by itself; null: never.'),
    setAt: time(),
    setBy: z.string(),
  })
  .meta({ id: 'StatusOverride' });

const MAX_INT32 = 2 ** 31 - 1;
const seconds = (about: string) => z.int().min(0).max(MAX_INT32).describe(about);

const leaseTerms = {
  ttlSeconds: seconds('Seconds that a lease lasts without renewal; null: it does not end.').nullable(),
  deregisterAfterSeconds: seconds('Seconds after which an unhealthy instance is deregistered; 0: never.'),
};
const probeTerms = {
  intervalSeconds: seconds('Seconds between two probes.'),
  timeoutSeconds: seconds('Seconds for connection, head and body; the name is looked up before.'),
  failureThreshold: z.int().min(1).max(MAX_INT32).describe('Consecutive failures that make the instance unhealthy.'),
  successThreshold: z.int().min(1).max(MAX_INT32).describe('Consecutive successes that make the instance healthy.'),
  ...leaseTerms,
};

/** A check in responses, with its defaults filled in. */
const checkView = z
  .discriminatedUnion(
    'kind',
    forEachCheckKind({
      heartbeat: z.looseObject({ kind: z.literal('heartbeat'), ...leaseTerms }).meta({ id: 'HeartbeatCheck' }),
      none: z.looseObject({ kind: z.literal('none'), ...leaseTerms }).meta({ id: 'NoCheck' }),
      http: z
        .looseObject({
          kind: z.literal('http'),
          path: z.string(),
          method: probeMethodSchema,
          expectedStatuses: z.string(),
          headers: z.record(z.string(), z.string()),
          tlsVerify: z.boolean(),
          ...probeTerms,
        })
        .meta({ id: 'HttpCheck' }),
      tcp: z.looseObject({ kind: z.literal('tcp'), ...probeTerms }).meta({ id: 'TcpCheck' }),
      grpc: z
        .looseObject({ kind: z.literal('grpc'), serviceName: z.string(), tlsVerify: z.boolean(), ...probeTerms })
        .meta({ id: 'GrpcCheck' }),
    }),
  )
  .meta({ id: 'Check', description: 'How the service determines whether the instance is alive.' });

const instanceFields = {
  id: z.uuid().describe('The id that the server assigned.'),
  namespace: z.string(),
  service: z.string(),
  instanceId: z.string().describe('The stable name that the client chose for the instance.'),
  incarnation: z.string().nullable().describe('The text that the process chose at its start; null: it chose none.'),
  incarnationNumber: z
    .int()
    .min(1)
    .describe('1 when created, +1 with each later process under the name: it grows in a crash loop.'),
  type: instanceTypeSchema,
  scheme: schemeSchema,
  host: z.string(),
  port: z.int().min(1).max(65_535),
  zone: z.string().nullable(),
  weight: z.int().min(0).max(MAX_INT32),
  status: statusSchema.describe('The status of the override if there is one, otherwise the state of the health.'),
  health: z.looseObject(health).meta({ id: 'Health' }),
  override: overrideView.nullable(),
  metadata: metadataShape,
  check: checkView,
  registeredAt: time(),
  updatedAt: time(),
  version: z.int().min(1).describe('1 when created, +1 with each change.'),
  revision: z.int().min(1).describe('The revision of the last change.'),
};

/** An instance in responses of discovery: without what changes without a revision. */
export const instanceView = z.looseObject(instanceFields).meta({ id: 'Instance' });

/** The last probe of an instance, if it did not succeed. */
export const probeErrorView = z
  .looseObject({
    kind: z
      .enum(['node', 'instance'])
      .meta({ id: 'ProbeErrorKind' })
      .describe('`node`: the node was not able to probe, and the probe does not count. `instance`: the probe failed.'),
    reason: z
      .enum([...NODE_FAULTS, ...INSTANCE_FAULTS])
      .meta({ id: 'ProbeErrorReason' })
      .describe(
        'What the node lacked: `dns` an answer of a name server, `descriptors`, `memory`, `local-address` a free local port or an address of the family, `local-filter` the permission of its packet filter, `route`; `stalled`: its event loop was late. Of an instance: `failure`, `timeout`, `forbidden` (an address that may not be probed).',
      ),
    message: z.string(),
    node: z.string().nullable().describe('The node that probed.'),
    at: time().describe('When the probe ended.'),
  })
  .meta({ id: 'ProbeError' });

/** An instance in responses of the registry: with its renewals. */
export const leasedInstanceView = z
  .looseObject({
    ...instanceFields,
    health: z
      .looseObject({
        ...health,
        lastCheckedAt: nullableTime(
          'When the health was last reported or probed; null: never. Absent after a registration that changed nothing.',
        ).optional(),
        lastError: probeErrorView
          .nullable()
          .optional()
          .describe(
            'The last probe, if it did not succeed; null: it did, or there was none. Absent after a registration that changed nothing.',
          ),
      })
      .meta({ id: 'CheckedHealth' }),
    lastSeenAt: time().describe('The last registration, heartbeat or report; recorded within a second.'),
    expiresAt: nullableTime('When the lease ends if it is not renewed; null: never.'),
  })
  .meta({ id: 'LeasedInstance' });
