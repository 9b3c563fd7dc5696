import { defineEntity, p } from '@mikro-orm/core';
import { GUARD_PHASES, PROBE_GUARD_REASONS } from '../guard-state.js';

const oneOf = (values: readonly string[]) => values.map(value => `'${value}'`).join(', ');

/**
 * The guards by which nodes hold failures of probes, for all nodes to know. Each node writes its own; the one over all instances
 * that it probes has the names `*` and `*`.
 */
export const ProbeGuardSchema = defineEntity({
  name: 'ProbeGuardRow',
  tableName: 'probe_guard',
  properties: {
    node: p.text().primary(),
    namespace: p.text().primary(),
    service: p.text().primary(),
    phase: p.text(),
    reason: p.text(),
    since: p.datetime(3),
    until: p.datetime(3),
    wouldExpire: p.integer(),
    of: p.integer().fieldName('of_instances'),
    limit: p.double().fieldName('share_limit'),
    /** When its node last confirmed it: that of a dead node no longer counts. */
    seenAt: p.datetime(3),
  },
  checks: [
    { name: 'probe_guard_phase_known', expression: `phase in (${oneOf(GUARD_PHASES)})` },
    { name: 'probe_guard_reason_known', expression: `reason in (${oneOf(PROBE_GUARD_REASONS)})` },
  ],
});

export class ProbeGuardRow extends ProbeGuardSchema.class {}
ProbeGuardSchema.setClass(ProbeGuardRow);
