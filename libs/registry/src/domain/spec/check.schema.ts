import { unknownKind } from '@coordination/kernel';
import { z } from 'zod';
import { CHECK_KINDS, forEachCheckKind, probeMethodSchema } from '@coordination/catalog';
import { checkHeadersSchema, expectedStatusesSchema, requestPathSchema } from './http-check.schema.js';
import { deregisterAfterSeconds, leaseTerms, ttlSeconds } from './lease-terms.schema.js';

const DEFAULT_TTL_SECONDS = 30;
const MAX_INTERVAL_SECONDS = 3_600;
const DEFAULT_INTERVAL_SECONDS = 30;
const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_THRESHOLD = 100;
const DEFAULT_FAILURE_THRESHOLD = 3;

const probeTerms = {
  intervalSeconds: z
    .int()
    .min(1)
    .max(MAX_INTERVAL_SECONDS)
    .default(DEFAULT_INTERVAL_SECONDS)
    .describe('Seconds from one probe to the next.'),
  timeoutSeconds: z
    .int()
    .min(1)
    .max(MAX_INTERVAL_SECONDS)
    .optional()
    .describe(
      'Seconds for connection, head and body of a probe, at most `intervalSeconds`; 10 by default, or the interval if that is less.',
    ),
  failureThreshold: z
    .int()
    .min(1)
    .max(MAX_THRESHOLD)
    .default(DEFAULT_FAILURE_THRESHOLD)
    .describe('Failures in a row that make the instance unhealthy; the first one degrades it.'),
  successThreshold: z
    .int()
    .min(1)
    .max(MAX_THRESHOLD)
    .default(1)
    .describe('Successes in a row that make the instance healthy.'),
  ...leaseTerms,
};

const tlsVerify = z
  .boolean()
  .default(true)
  .describe('Whether the certificate must be valid for the host. Applies to schemes with TLS (https, wss, grpcs).');

interface Timed {
  readonly intervalSeconds: number;
  readonly timeoutSeconds?: number | undefined;
}

/** A probe must end before the next one begins. */
const isInTime = ({ intervalSeconds, timeoutSeconds }: Timed): boolean =>
  timeoutSeconds === undefined || timeoutSeconds <= intervalSeconds;

const TOO_SLOW = { path: ['timeoutSeconds'], error: 'must not be longer than intervalSeconds' };

const withTimeout = <T extends Timed>(check: T) => ({
  ...check,
  timeoutSeconds: check.timeoutSeconds ?? Math.min(DEFAULT_TIMEOUT_SECONDS, check.intervalSeconds),
});

const heartbeatCheck = z
  .strictObject({
    kind: z.literal('heartbeat').default('heartbeat').describe('The instance renews its lease itself.'),
    ttlSeconds: ttlSeconds
      .nullish()
      .transform(ttl => ttl ?? DEFAULT_TTL_SECONDS)
      .describe('Seconds that a lease lasts without renewal; 30 by default.'),
    deregisterAfterSeconds,
  })
  // The default kind. It is required in the schema, because generated clients need it to distinguish the kinds.
  .meta({ id: 'HeartbeatCheckInput', required: ['kind'] });

const noCheck = z
  .strictObject({
    kind: z.literal('none').describe('The instance is not checked; its status is the reported one.'),
    ...leaseTerms,
  })
  .meta({ id: 'NoCheckInput' });

const httpCheck = z
  .strictObject({
    kind: z.literal('http').describe('The service requests a path of the instance and checks the HTTP status.'),
    path: requestPathSchema,
    method: probeMethodSchema.default('GET'),
    expectedStatuses: expectedStatusesSchema,
    headers: checkHeadersSchema,
    tlsVerify,
    ...probeTerms,
  })
  .refine(isInTime, TOO_SLOW)
  .transform(withTimeout)
  .meta({ id: 'HttpCheckInput' });

const tcpCheck = z
  .strictObject({
    kind: z.literal('tcp').describe('The service opens a connection to the instance.'),
    ...probeTerms,
  })
  .refine(isInTime, TOO_SLOW)
  .transform(withTimeout)
  .meta({ id: 'TcpCheckInput' });

const grpcCheck = z
  .strictObject({
    kind: z.literal('grpc').describe('The service calls the standard gRPC health protocol of the instance.'),
    serviceName: z
      .string()
      .regex(/^[A-Za-z0-9_./-]{0,200}$/, 'must be at most 200 of letters, digits, . _ / -')
      .default('')
      .describe('The gRPC service to check; empty: the server as a whole.'),
    tlsVerify,
    ...probeTerms,
  })
  .refine(isInTime, TOO_SLOW)
  .transform(withTimeout)
  .meta({ id: 'GrpcCheckInput' });

/** `none` comes last: it is the least likely to be meant. */
const KINDS_IN_MESSAGES = [...CHECK_KINDS.filter(kind => kind !== 'none'), 'none'];

/** How the service finds out whether an instance is alive, as callers set it. */
export const checkSchema = z
  .discriminatedUnion(
    'kind',
    forEachCheckKind({
      heartbeat: heartbeatCheck,
      none: noCheck,
      http: httpCheck,
      tcp: tcpCheck,
      grpc: grpcCheck,
    }),
    { error: ({ input }) => unknownKind(input, 'kind', KINDS_IN_MESSAGES) },
  )
  .meta({ id: 'CheckInput', description: 'How the service finds out whether an instance is alive, as callers set it.' })
  .prefault({ kind: 'heartbeat' })
  .describe('How the service finds out whether the instance is alive. Default of `kind`: `heartbeat`.');
