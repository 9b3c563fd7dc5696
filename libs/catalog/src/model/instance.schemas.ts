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

const time = () =>
  z.iso
    .datetime()
    .describe('RFC 3339, UTC.')
    .meta({ examples: ['2026-11-23T08:15:30.123Z'] });

const nullableTime = (about: string) => z.iso.datetime().nullable().describe(about);

const health = {
  state: healthStateSchema,
  failures: z.int().min(0).describe('Failures in a row, reported or, when the state last changed, probed.'),
  output: z.string().describe('What the last report or probe that counted said.'),
  decidedBy: healthDeciderSchema.describe('Who or what decided the state.'),
  since: time().describe('Since when the state is what it is.'),
};

/** An operator's word over health, as it is answered. */
export const overrideView = z
  .looseObject({
    status: overrideStatusSchema,
    scope: overrideScopeSchema.describe(
      'What it belongs to: the process that runs now, with which it ends, or the name of the instance.',
    ),
    reason: z.string().nullable(),
    until: nullableTime('When it ends by itself; null: it does not.'),
    setAt: time(),
    setBy: z.string(),
  })
  .meta({ id: 'StatusOverride' });

const MAX_INT32 = 2 ** 31 - 1;
const seconds = (about: string) => z.int().min(0).max(MAX_INT32).describe(about);

const leaseTerms = {
  ttlSeconds: seconds('Seconds that a lease lasts without renewal; null: for ever.').nullable(),
  deregisterAfterSeconds: seconds('Seconds of being unhealthy after which the instance is deregistered; 0: never.'),
};
const probeTerms = {
  intervalSeconds: seconds('Seconds from one probe to the next.'),
  timeoutSeconds: seconds('Seconds for all of a probe.'),
  failureThreshold: z.int().min(1).max(MAX_INT32).describe('Failures in a row that make the instance unhealthy.'),
  successThreshold: z.int().min(1).max(MAX_INT32).describe('Successes in a row that make the instance healthy.'),
  ...leaseTerms,
};

/** A check as it is answered: whole, its defaults filled in. */
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
  .meta({ id: 'Check', description: 'How it is found out whether the instance is alive.' });

const instanceFields = {
  id: z.uuid().describe('The server’s id.'),
  namespace: z.string(),
  service: z.string(),
  instanceId: z.string().describe('The caller’s own stable name for the instance.'),
  incarnation: z.string().nullable().describe('The text that the process chose at its start; null: it named none.'),
  incarnationNumber: z
    .int()
    .min(1)
    .describe('1 when created, +1 with each process that followed under the name: a crash loop makes it grow.'),
  type: instanceTypeSchema,
  scheme: schemeSchema,
  host: z.string(),
  port: z.int().min(1).max(65_535),
  zone: z.string().nullable(),
  weight: z.int().min(0).max(MAX_INT32),
  status: statusSchema.describe('The override’s status where there is one, else the health’s state.'),
  health: z.looseObject(health).meta({ id: 'Health' }),
  override: overrideView.nullable(),
  metadata: metadataShape,
  check: checkView,
  registeredAt: time(),
  updatedAt: time(),
  version: z.int().min(1).describe('1 when created, +1 with each change.'),
  revision: z.int().min(1).describe('The revision of the last change.'),
};

/** An instance as discovery answers it: without what moves without a revision. */
export const instanceView = z.looseObject(instanceFields).meta({ id: 'Instance' });

/** An instance as the registry answers it: with its signs of life. */
export const leasedInstanceView = z
  .looseObject({
    ...instanceFields,
    health: z
      .looseObject({
        ...health,
        lastCheckedAt: nullableTime(
          'When health was last reported or probed; null: never. Absent where a registration said nothing new.',
        ).optional(),
      })
      .meta({ id: 'CheckedHealth' }),
    lastSeenAt: time().describe('The last registration, heartbeat or report; noted within a second.'),
    expiresAt: nullableTime('When the lease ends unless it is renewed; null: never.'),
  })
  .meta({ id: 'LeasedInstance' });
