import { z } from 'zod';
import { GUARD_PHASES, GUARD_REASONS } from './guard-state.js';

const time = (about: string) => z.iso.datetime().describe(about);

export const guardScopeView = z
  .looseObject({
    kind: z.enum(['all', 'service']).meta({ id: 'GuardScopeKind' }),
    namespace: z.string().optional().describe('Of a service.'),
    service: z.string().optional(),
  })
  .meta({ id: 'GuardScope' });

/** A guard that is active. */
export const guardView = z
  .looseObject({
    active: z.literal(true).describe('Always true: other guards are not told.'),
    scope: guardScopeView.describe('What it keeps as it is: one service, or everything.'),
    phase: z
      .enum(GUARD_PHASES)
      .meta({ id: 'GuardPhase' })
      .describe('`holding`: no lease of the scope ends. `releasing`: they end at a bounded rate.'),
    reason: z
      .enum(GUARD_REASONS)
      .meta({ id: 'GuardReason' })
      .describe(
        '`service-share`, `total-share`: too many leases ended within the window. `store-away`: nobody could renew for a while, and leases last once more. `operator`: somebody wants it.',
      ),
    detail: z.string().nullable().describe('What the operator said who wants it.'),
    since: time('Since when it is active.'),
    until: time('Until when it holds at most.'),
    wouldExpire: z.int().min(0).describe('Leases that have ended, or would have.'),
    of: z.int().min(0).describe('The leases that this is a part of.'),
    limit: z.number().min(0).max(1).describe('The share of them that may end within the window.'),
  })
  .meta({ id: 'LivenessGuard' });
