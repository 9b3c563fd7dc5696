import { auditActionSchema, auditSourceSchema } from '@coordination/log';
import { healthDeciderSchema, healthStateSchema, overrideView, STATUSES, statusSchema } from '@coordination/catalog';
import { z } from 'zod';
import { guardView } from '../guard/guard.schemas.js';
import { STATUS_DECIDERS } from './status-reasons.js';
import { FORECAST_EVENTS } from './forecast.js';
import { SIGNS } from './health-signals.js';

const time = (about: string) => z.iso.datetime().describe(about);
const nullableTime = (about: string) => z.iso.datetime().nullable().describe(about);
const status = statusSchema;

const health = z
  .looseObject({
    state: healthStateSchema,
    failures: z.int().min(0),
    output: z.string(),
    decidedBy: healthDeciderSchema,
    since: time('Since when the state is what it is; or since the lease ended.'),
    lastCheckedAt: nullableTime('When health was last reported; null: never, or the instance is gone.'),
    because: z.string().describe('Why, in a sentence.'),
  })
  .meta({ id: 'ExplainedHealth' });

const lease = z
  .looseObject({
    renewedAt: time('The last sign of life that is noted.'),
    ttlSeconds: z.int().min(0).nullable().describe('How long a lease lasts; null: for ever.'),
    expiresAt: nullableTime('When it ends unless it is renewed; null: never.'),
    remainingSeconds: z.number().min(0).nullable().describe('0: it has ended.'),
    deregisterAt: nullableTime('When the instance goes, if it is unhealthy because its lease ended; else null.'),
  })
  .meta({ id: 'ExplainedLease' });

const removal = z
  .looseObject({
    revision: z.int().min(1).describe('The revision of the event in the audit log.'),
    at: time('When it was.'),
    action: auditActionSchema.describe('`instance.deregistered`, or `instance.expired` at the end of a lease.'),
    actor: z.string().describe('Who did it.'),
    clientAddress: z.string().nullable().describe('From where; null for what the service did itself.'),
    requestId: z.string().nullable().describe('The `X-Request-Id` of the request that did it.'),
    source: auditSourceSchema.describe('Through which protocol it came in.'),
    reason: z.string().nullable().describe('Why.'),
    batchId: z.uuid().describe('Names the transaction; other events of it may be of the same request.'),
    lastStatus: status.describe('The status that the instance had.'),
  })
  .meta({ id: 'ExplainedRemoval' });

const timer = z
  .looseObject({
    what: z
      .enum(['override-until', 'lease-ends', 'lease-end-counts', 'deregister-after', 'guard-until'])
      .meta({ id: 'TimerKind' }),
    at: time('When it ends.'),
    inSeconds: z.number().describe('Negative: it has passed.'),
    effect: z.string().describe('What it means, in a sentence.'),
  })
  .meta({ id: 'ExplainedTimer' });

const nextStep = z
  .looseObject({
    event: z.enum(FORECAST_EVENTS).meta({ id: 'ForecastEvent' }),
    when: time('From when on; it is looked for about once a second.'),
    inSeconds: z.number().min(0),
    status: status.nullable().describe('The status afterwards; null: the instance is gone.'),
    what: z.string().describe('What happens, in a sentence.'),
    unless: z.string().describe('What prevents it.'),
    heldUntil: nullableTime('Until when a guard keeps it from happening, at most; null: none does.'),
  })
  .meta({ id: 'ExplainedStep' });

const signEffect = z
  .looseObject({
    sign: z.enum(SIGNS).meta({ id: 'SignOfLife' }),
    status: status.describe('The status that the instance would have.'),
    what: z.string().describe('In a sentence.'),
  })
  .meta({ id: 'ExplainedSign' });

const toldEvent = z
  .looseObject({
    revision: z.int().min(1),
    at: time('When it was.'),
    action: z.string(),
    actor: z.string(),
    source: z.string(),
    reason: z.string().nullable(),
    from: status.nullable().describe('The status before; null: the instance was not there.'),
    to: status.nullable(),
  })
  .meta({ id: 'ExplainedEvent' });

/** Why an instance has its status, or why it is gone. */
export const explanationView = z
  .looseObject({
    id: z.uuid(),
    namespace: z.string(),
    service: z.string(),
    instanceId: z.string(),
    incarnation: z.string().nullable().describe('The text that its process chose; null: none.'),
    incarnationNumber: z.int().min(1).describe('How many processes ran under the name, as far as is known.'),
    version: z.int().min(1),
    revision: z.int().min(1).describe('Of its last change; of its removal, if it is gone.'),
    at: time('When all this was true, by the clock of the database.'),
    status: z
      .enum([...STATUSES, 'gone'])
      .meta({ id: 'ExplainedStatus' })
      .describe('`gone`: it was deregistered.'),
    since: time('Since when the status is what it is; since when it is gone.'),
    decidedBy: z.enum(STATUS_DECIDERS).meta({ id: 'StatusDecider' }).describe('Who or what decides it.'),
    because: z.string().describe('Why, in a sentence or two.'),
    health: health.describe('Its health; the last that it had, if it is gone.'),
    override: overrideView.nullable().describe('Its override; the last that it had, if it is gone.'),
    lease: lease.nullable().describe('null: the instance is gone.'),
    removal: removal.nullable().describe('Who removed it, when and why; null: it is there.'),
    probedBy: z.string().nullable().describe('The node that probes it; null: none does.'),
    guard: guardView.nullable().describe('The guard that keeps leases of the service from ending; null: none.'),
    timers: z.array(timer).describe('The times that are waited for, the earliest first.'),
    next: z.array(nextStep).describe('What happens if nothing more is heard of it, and nobody does anything.'),
    signs: z.array(signEffect).describe('What each sign of life would do if it came now.'),
    notes: z.array(z.string()).describe('What else is worth knowing.'),
    lastEvents: z.array(toldEvent).describe('The newest event, and the one that made the status what it is, or was.'),
  })
  .meta({ id: 'Explanation' });
