import { z } from 'zod';
import {
  HEALTH_DECIDERS,
  HEALTH_STATES,
  INSTANCE_TYPES,
  OVERRIDE_SCOPES,
  OVERRIDE_STATUSES,
  SCHEMES,
  STATUSES,
} from './domain/instance.js';

const time = () =>
  z.iso
    .datetime()
    .describe('RFC 3339, UTC.')
    .meta({ examples: ['2026-11-23T08:15:30.123Z'] });

const nullableTime = (about: string) => z.iso.datetime().nullable().describe(about);

const health = {
  state: z.enum(HEALTH_STATES),
  failures: z.int().min(0).describe('Failures in a row, reported or, when the state last changed, probed.'),
  output: z.string().describe('What the last report or probe that counted said.'),
  decidedBy: z.enum(HEALTH_DECIDERS).describe('Who or what decided the state.'),
  since: time().describe('Since when the state is what it is.'),
};

/** An operator's word over health, as it is answered. */
export const overrideView = z
  .looseObject({
    status: z.enum(OVERRIDE_STATUSES),
    scope: z
      .enum(OVERRIDE_SCOPES)
      .describe('What it belongs to: the process that runs now, with which it ends, or the name of the instance.'),
    reason: z.string().nullable(),
    until: nullableTime('When it ends by itself; null: it does not.'),
    setAt: time(),
    setBy: z.string(),
  })
  .meta({ id: 'Override' });

const checkView = z
  .looseObject({
    kind: z.enum(['heartbeat', 'none', 'http', 'tcp', 'grpc']),
    ttlSeconds: z.int().nullable(),
    deregisterAfterSeconds: z.int(),
  })
  .meta({ id: 'Check' });

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
  type: z.enum(INSTANCE_TYPES),
  scheme: z.enum(SCHEMES),
  host: z.string(),
  port: z.int(),
  zone: z.string().nullable(),
  weight: z.int(),
  status: z.enum(STATUSES).describe('The override’s status where there is one, else the health’s state.'),
  health: z.looseObject(health).meta({ id: 'Health' }),
  override: overrideView.nullable(),
  metadata: z.record(z.string(), z.unknown()),
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
