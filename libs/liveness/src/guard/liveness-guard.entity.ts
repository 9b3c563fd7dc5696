import { defineEntity, p } from '@mikro-orm/core';
import { GUARD_PHASES, GUARD_REASONS } from './guard-state.js';

const oneOf = (values: readonly string[]) => values.map(value => `'${value}'`).join(', ');

/** The active guards, for all nodes, and for the next node that evaluates them. The guard over all has the names `*` and `*`. */
export const LivenessGuardSchema = defineEntity({
  name: 'LivenessGuard',
  tableName: 'liveness_guard',
  properties: {
    namespace: p.text().primary(),
    service: p.text().primary(),
    phase: p.text(),
    reason: p.text(),
    detail: p.text().nullable(),
    since: p.datetime(3),
    until: p.datetime(3),
    wouldExpire: p.integer(),
    of: p.integer().fieldName('of_leases'),
    limit: p.double().fieldName('share_limit'),
  },
  checks: [
    { name: 'liveness_guard_phase_known', expression: `phase in (${oneOf(GUARD_PHASES)})` },
    { name: 'liveness_guard_reason_known', expression: `reason in (${oneOf(GUARD_REASONS)})` },
  ],
});

export class LivenessGuard extends LivenessGuardSchema.class {}
LivenessGuardSchema.setClass(LivenessGuard);
