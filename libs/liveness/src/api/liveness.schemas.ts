import { RFC3339_TIME } from '@coordination/log';
import { readableText } from '@coordination/http';
import { unknownKind } from '@coordination/kernel';
import { DEFAULT_NAMESPACE, namespaceSchema, serviceSchema, statusSchema } from '@coordination/catalog';
import { z } from 'zod';
import { guardScopeView, guardView } from '../guard/guard.schemas.js';

const MAX_REASON_LENGTH = 500;

const count = (about: string) => z.int().min(0).describe(about);
const time = (about: string) => z.iso.datetime().describe(about);

const leases = z
  .looseObject({
    lasting: count('They have not ended.'),
    endingSoon: count('Of those, the ones that end within `soonSeconds` unless they are renewed.'),
    over: count('They have ended, and nothing was done about it yet, or a guard keeps it from being done.'),
    lapsed: count('They have ended, and the instance is unhealthy for it.'),
    endless: count('Instances whose lease never ends.'),
    soonSeconds: count('What counts as soon.'),
  })
  .meta({ id: 'LeaseCounts' });

const sweeper = z
  .looseObject({
    node: z.string().describe('Which process ends leases: its host, and a name of its own.'),
    isThisNode: z.boolean().describe('Whether it is the node that answers.'),
    term: z.int().min(1).describe('Rises whenever another process takes over.'),
    until: time('When another one takes over unless this one goes on; in the past: nobody ends leases now.'),
    lastSweepAt: z.iso.datetime().nullable().describe('When it last looked for leases that are over.'),
  })
  .meta({ id: 'LeaseSweeper' });

const probeQueue = z
  .looseObject({
    owned: count('Instances that this node probes.'),
    inFlight: count('Probes under way.'),
    waiting: count('Due, and waiting for others to end.'),
    lateSeconds: z.number().min(0).describe('For how long the first of those that wait has been due.'),
  })
  .meta({ id: 'ProbeQueue' });

const probes = z
  .looseObject({
    thisNode: probeQueue.describe('The part of the node that answers.'),
    byNode: z
      .array(
        z.looseObject({ nodeId: z.string(), owned: count('Instances that it probes.') }).meta({ id: 'ProbingNode' }),
      )
      .describe('How the probed instances are shared out among the nodes that live.'),
  })
  .meta({ id: 'Probes' });

const node = z
  .looseObject({
    id: z.uuid(),
    instanceId: z.string(),
    host: z.string(),
    port: z.int().min(1).max(65_535),
    status: statusSchema,
  })
  .meta({ id: 'ServiceNode' });

/** How liveness stands. */
export const livenessView = z
  .looseObject({
    at: time('When this was true, by the clock of the database.'),
    leases,
    sweeper: sweeper.nullable().describe('null: no node ever ended leases.'),
    backSince: z.iso.datetime().nullable().describe('Since when a node has always been able to reach the database.'),
    guards: z.array(guardView).describe('Those that are active.'),
    probes,
    nodes: z.array(node).describe('The nodes of this service, as their own catalog has them.'),
  })
  .meta({ id: 'Liveness' });

const scope = z
  .union(
    [
      z.literal('all').meta({ id: 'EveryService' }),
      z
        .strictObject({ namespace: namespaceSchema.default(DEFAULT_NAMESPACE), service: serviceSchema })
        .meta({ id: 'OneService' }),
    ],
    { error: 'must be "all", or {"namespace": …, "service": …} with names as they are registered' },
  )
  .meta({ id: 'OrderedScope' })
  .describe('One service, or `all`. An end of `all` ends the guards of services too.');

const reason = readableText(MAX_REASON_LENGTH).min(1, 'must not be empty').describe('Why; kept in the audit log.');

/** What an operator orders of a guard. */
export const orderGuard = z
  .discriminatedUnion(
    'action',
    [
      z
        .strictObject({
          action: z.literal('end').describe('What has ended ends, and no guard holds the scope again for a while.'),
          scope,
          reason,
        })
        .meta({ id: 'EndGuard' }),
      z
        .strictObject({
          action: z.literal('force').describe('No lease of the scope ends, whatever the numbers say.'),
          scope,
          reason,
          until: RFC3339_TIME.optional().describe(
            'Until when (RFC 3339), a day at most; by default, as long as a guard holds by itself.',
          ),
        })
        .meta({ id: 'ForceGuard' }),
    ],
    { error: ({ input }) => unknownKind(input, 'action', ['end', 'force']) },
  )
  .meta({ id: 'OrderGuard' });
export type OrderGuard = z.output<typeof orderGuard>;

export const guardOrdered = z
  .looseObject({
    revision: z.int().min(1).describe('The revision of the event that keeps the order.'),
    action: z.enum(['end', 'force']).meta({ id: 'GuardAction' }),
    scope: guardScopeView,
    until: z.iso.datetime().nullable().describe('Until when a forced guard holds.'),
    reason: z.string(),
  })
  .meta({ id: 'GuardOrdered' });
