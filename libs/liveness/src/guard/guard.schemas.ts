import { z } from 'zod';
import { GUARD_PHASES, GUARD_REASONS, PROBE_GUARD_REASONS } from './guard-state.js';

const time = (about: string) => z.iso.datetime().describe(about);

export const guardScopeView = z
  .looseObject({
    kind: z.enum(['all', 'service']).meta({ id: 'GuardScopeKind' }),
    namespace: z.string().optional().describe('The namespace of the service; absent for `all`.'),
    service: z.string().optional(),
  })
  .meta({ id: 'GuardScope' });

/** An active guard. */
export const guardView = z
  .looseObject({
    active: z.literal(true).describe('Always true: only active guards are listed.'),
    scope: guardScopeView.describe('What it applies to: one service, or all services.'),
    phase: z
      .enum(GUARD_PHASES)
      .meta({ id: 'GuardPhase' })
      .describe('`holding`: no lease of the scope ends. `releasing`: leases end at a bounded rate.'),
    reason: z
      .enum([...GUARD_REASONS, ...PROBE_GUARD_REASONS])
      .meta({ id: 'GuardReason' })
      .describe(
        '`service-share`, `total-share`: too many leases expired within the window. `store-away`: after an outage of the database, in which no lease could be renewed, each lease lasts once more. `node-stalled`: after a stall of the node that ends leases, which answered no renewal meanwhile, each lease lasts once more. `operator`: an operator has forced it. `probe-failures`: too many of the instances that `node` probes began to fail within the window, so their status stays.',
      ),
    detail: z.string().nullable().describe('The reason that the operator gave.'),
    since: time('When it began.'),
    until: time('The latest end of the phase `holding`.'),
    wouldExpire: z
      .int()
      .min(0)
      .describe(
        'Leases that have expired, or would have. With `probe-failures`: instances whose probes began to fail.',
      ),
    of: z.int().min(0).describe('The leases, or the probed instances, that `wouldExpire` is a part of.'),
    limit: z.number().min(0).max(1).describe('The share of them that may expire, or begin to fail, within the window.'),
    node: z.string().optional().describe('With `probe-failures`: the node whose probes fail; else absent.'),
  })
  .meta({ id: 'LivenessGuard' });
