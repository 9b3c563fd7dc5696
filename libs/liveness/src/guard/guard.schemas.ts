import { z } from 'zod';
import { GUARD_PHASES, GUARD_REASONS } from './guard-state.js';

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
      .enum(GUARD_REASONS)
      .meta({ id: 'GuardReason' })
      .describe(
        '`service-share`, `total-share`: too many leases expired within the window. `store-away`: after an outage of the database, in which no lease could be renewed, each lease lasts once more. `node-stalled`: after a stall of the node that ends leases, which answered no renewal meanwhile, each lease lasts once more. `operator`: an operator has forced it.',
      ),
    detail: z.string().nullable().describe('The reason that the operator gave.'),
    since: time('When it began.'),
    until: time('The latest end of the phase `holding`.'),
    wouldExpire: z.int().min(0).describe('Leases that have expired, or would have.'),
    of: z.int().min(0).describe('The leases that `wouldExpire` is a part of.'),
    limit: z.number().min(0).max(1).describe('The share of them that may expire within the window.'),
  })
  .meta({ id: 'LivenessGuard' });
