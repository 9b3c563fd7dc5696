import { RFC3339_TIME } from '@coordination/log';
import { readableText } from '@coordination/http';
import { unknownKind } from '@coordination/kernel';
import { DEFAULT_NAMESPACE, namespaceSchema, NODE_FAULTS, serviceSchema, statusSchema } from '@coordination/catalog';
import { z } from 'zod';
import { guardScopeView, guardView } from '../guard/guard.schemas.js';

const MAX_REASON_LENGTH = 500;

const count = (about: string) => z.int().min(0).describe(about);
const time = (about: string) => z.iso.datetime().describe(about);

const leases = z
  .looseObject({
    lasting: count('Leases that last.'),
    endingSoon: count('Those of them that end within `soonSeconds` unless they are renewed.'),
    over: count('Expired leases whose end has not been acted on, possibly because of a guard.'),
    lapsed: count('Expired leases whose instance is unhealthy because of it.'),
    endless: count('Instances whose lease never ends.'),
    soonSeconds: count('The time that `endingSoon` covers.'),
  })
  .meta({ id: 'LeaseCounts' });

const sweeper = z
  .looseObject({
    node: z.string().describe('The process that ends leases: its host, and a unique id.'),
    isThisNode: z.boolean().describe('Whether it is the node that responds.'),
    term: z.int().min(1).describe('Rises whenever another process takes over.'),
    until: time(
      'When another process takes over unless this one renews its claim; in the past: no process ends leases now.',
    ),
    lastSweepAt: z.iso.datetime().nullable().describe('When it last looked for expired leases.'),
  })
  .meta({ id: 'LeaseSweeper' });

const stall = z
  .looseObject({
    from: time('It began after this time, the last claim of the role before it.'),
    until: time('It ended before this time, the first claim of the role after it.'),
    seconds: z.number().min(0).describe('For how long the event loop of the process ran nothing.'),
  })
  .meta({ id: 'NodeStall' });

const probeQueue = z
  .looseObject({
    owned: count('Instances that this node probes.'),
    inFlight: count('Probes under way.'),
    waiting: count('Probes that are due and wait for others to end.'),
    lateSeconds: z.number().min(0).describe('How long the probe that has waited longest has been due.'),
    overdue: count('Waiting probes that have been due for longer than a second.'),
    notCounted: z
      .array(
        z
          .looseObject({
            reason: z.enum(NODE_FAULTS).meta({ id: 'NodeFault' }),
            count: z.int().min(1).describe('Instances.'),
          })
          .meta({ id: 'ProbesNotCounted' }),
      )
      .describe(
        'Instances whose last probe did not count, by what the node lacked; empty: none. See `health.lastError` of instances.',
      ),
  })
  .meta({ id: 'ProbeQueue' });

const probes = z
  .looseObject({
    thisNode: probeQueue.describe('The probes of the node that responds.'),
    byNode: z
      .array(
        z.looseObject({ nodeId: z.string(), owned: count('Instances that it probes.') }).meta({ id: 'ProbingNode' }),
      )
      .describe('How the probed instances are distributed over the live nodes.'),
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

/** The liveness overview. */
export const livenessView = z
  .looseObject({
    at: time('When this was read, by the clock of the database.'),
    leases,
    sweeper: sweeper.nullable().describe('The process that ends leases; null: none ever did.'),
    recoveringSince: z.iso
      .datetime()
      .nullable()
      .describe(
        'When nodes could reach the database again after the last outage. A lease lasts at least once more from then on.',
      ),
    stalls: z
      .array(stall)
      .describe(
        'The last stalls of the process that ends leases, the oldest first, while no other process took its place. It answered no renewal in them, so leases last longer (`node-stalled`).',
      ),
    guards: z.array(guardView).describe('The active guards.'),
    probes,
    nodes: z.array(node).describe('The nodes of this service, from their own catalog.'),
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
    { error: 'must be "all", or {"namespace": …, "service": …} with the names of a registered service' },
  )
  .meta({ id: 'OrderedScope' })
  .describe('One service, or `all`. To end the guard of `all` also ends the guards of single services.');

const reason = readableText(MAX_REASON_LENGTH)
  .min(1, 'must not be empty')
  .describe('The reason; it is kept in the audit log.');

/** An operator's command to a guard. */
export const guardCommand = z
  .discriminatedUnion(
    'action',
    [
      z
        .strictObject({
          action: z
            .literal('end')
            .describe('Expired leases end, and no guard holds the scope again for the length of the window.'),
          scope,
          reason,
        })
        .meta({ id: 'EndGuard' }),
      z
        .strictObject({
          action: z.literal('force').describe('No lease of the scope ends, whatever the counts are.'),
          scope,
          reason,
          until: RFC3339_TIME.optional().describe(
            'Until when (RFC 3339), at most a day ahead; by default, for the longest time that a guard holds by itself.',
          ),
        })
        .meta({ id: 'ForceGuard' }),
    ],
    { error: ({ input }) => unknownKind(input, 'action', ['end', 'force']) },
  )
  .meta({ id: 'OrderGuard' });
export type GuardCommand = z.output<typeof guardCommand>;

export const guardResult = z
  .looseObject({
    revision: z.int().min(1).describe('The revision of the event.'),
    action: z.enum(['end', 'force']).meta({ id: 'GuardAction' }),
    scope: guardScopeView,
    until: z.iso.datetime().nullable().describe('Until when the guard is forced; null: it was ended.'),
    reason: z.string(),
  })
  .meta({ id: 'GuardOrdered' });
