import { auditActionSchema, auditSourceSchema } from '@coordination/log';
import {
  healthDeciderSchema,
  healthStateSchema,
  overrideView,
  probeErrorView,
  STATUSES,
  statusSchema,
} from '@coordination/catalog';
import { z } from 'zod';
import { guardView } from '../guard/guard.schemas.js';
import { STATUS_DECIDERS } from './status-reasons.js';
import { FORECAST_EVENTS } from './forecast.js';
import { HEALTH_SIGNALS } from './health-signals.js';

const time = (about: string) => z.iso.datetime().describe(about);
const nullableTime = (about: string) => z.iso.datetime().nullable().describe(about);
const status = statusSchema;

const health = z
  .looseObject({
    state: healthStateSchema,
    failures: z.int().min(0),
    output: z.string(),
    decidedBy: healthDeciderSchema,
    since: time('When the state began; or when the lease ended.'),
    lastCheckedAt: nullableTime('When health was last reported or probed; null: never, or the instance is gone.'),
    lastError: probeErrorView
      .nullable()
      .describe('The last probe, if it did not succeed; null: it did, or there was none.'),
    because: z.string().describe('The reason, in a sentence.'),
  })
  .meta({ id: 'ExplainedHealth' });

const lease = z
  .looseObject({
    renewedAt: time('The last renewal that is stored.'),
    ttlSeconds: z.int().min(0).nullable().describe('How long a lease lasts; null: it never ends.'),
    expiresAt: nullableTime('When it ends unless it is renewed; null: never.'),
    remainingSeconds: z.number().min(0).nullable().describe('0: it has expired.'),
    deregisterAt: nullableTime(
      'When the instance is deregistered, if it is unhealthy because its lease ended; else null.',
    ),
  })
  .meta({ id: 'ExplainedLease' });

const removal = z
  .looseObject({
    revision: z.int().min(1).describe('The revision of the event in the audit log.'),
    at: time('The time of the event.'),
    action: auditActionSchema.describe('`instance.deregistered`, or `instance.expired` at the end of a lease.'),
    actor: z.string().describe('Who removed it.'),
    clientAddress: z
      .string()
      .nullable()
      .describe('The address of the client; null for a removal by the service itself.'),
    requestId: z.string().nullable().describe('The `X-Request-Id` of the request.'),
    source: auditSourceSchema.describe('The protocol of the request.'),
    reason: z.string().nullable().describe('The reason.'),
    batchId: z.uuid().describe('The id of the transaction, which other events of the same request may have, too.'),
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
    effect: z.string().describe('What happens then, in a sentence.'),
  })
  .meta({ id: 'ExplainedTimer' });

const nextStep = z
  .looseObject({
    event: z.enum(FORECAST_EVENTS).meta({ id: 'ForecastEvent' }),
    when: time('The earliest time; the service checks about once a second.'),
    inSeconds: z.number().min(0),
    status: status.nullable().describe('The status afterwards; null: the instance is gone.'),
    what: z.string().describe('What happens, in a sentence.'),
    unless: z.string().describe('What prevents it.'),
    heldUntil: nullableTime('The latest time until which a guard prevents it; null: no guard does.'),
  })
  .meta({ id: 'ExplainedStep' });

const signalEffect = z
  .looseObject({
    sign: z.enum(HEALTH_SIGNALS).meta({ id: 'SignOfLife' }),
    status: status.describe('The status that the instance would have.'),
    what: z.string().describe('The effect, in a sentence.'),
  })
  .meta({ id: 'ExplainedSign' });

const eventSummary = z
  .looseObject({
    revision: z.int().min(1),
    at: time('The time of the event.'),
    action: z.string(),
    actor: z.string(),
    source: z.string(),
    reason: z.string().nullable(),
    from: status.nullable().describe('The status before; null: the instance did not exist.'),
    to: status.nullable(),
  })
  .meta({ id: 'ExplainedEvent' });

/** Why an instance has its status, or was removed. */
export const explanationView = z
  .looseObject({
    id: z.uuid(),
    namespace: z.string(),
    service: z.string(),
    instanceId: z.string(),
    incarnation: z.string().nullable().describe('The incarnation that its process named; null: none.'),
    incarnationNumber: z
      .int()
      .min(1)
      .describe('How many processes have run under the name, as far as the catalog has a record of them.'),
    version: z.int().min(1),
    revision: z.int().min(1).describe('The revision of its last change; of its removal, if it is gone.'),
    at: time('When this was read, by the clock of the database.'),
    status: z
      .enum([...STATUSES, 'gone'])
      .meta({ id: 'ExplainedStatus' })
      .describe('`gone`: it was deregistered.'),
    since: time('When the status began; when it was removed.'),
    decidedBy: z.enum(STATUS_DECIDERS).meta({ id: 'StatusDecider' }).describe('Who or what decides it.'),
    because: z.string().describe('The reason of the status, in a sentence or two.'),
    health: health.describe('Its health; the last that it had, if it is gone.'),
    override: overrideView.nullable().describe('Its override; the last that it had, if it is gone.'),
    lease: lease.nullable().describe('null: the instance is gone.'),
    removal: removal.nullable().describe('Who removed it, when and why; null: it is registered.'),
    probedBy: z.string().nullable().describe('The node that probes it; null: no node does.'),
    guard: guardView
      .nullable()
      .describe(
        'The active guard that applies to the service, or by which the node that probes it holds failures; null: none.',
      ),
    timers: z.array(timer).describe('The running timers, the earliest first.'),
    next: z.array(nextStep).describe('What happens without further health signals and requests.'),
    signs: z.array(signalEffect).describe('The effect that each health signal would have now.'),
    notes: z.array(z.string()).describe('Further facts.'),
    lastEvents: z.array(eventSummary).describe('The newest event, and the event that made the status.'),
  })
  .meta({ id: 'Explanation' });
