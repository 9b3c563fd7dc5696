import { defineEntity, p } from '@mikro-orm/core';

/** Instances that a node sees fail while it holds the failures, and what another node sees of them. */
export const ProbeSecondLookSchema = defineEntity({
  name: 'ProbeSecondLook',
  tableName: 'probe_second_look',
  properties: {
    instanceId: p.uuid().primary(),
    /** The node that sees it fail. */
    node: p.text(),
    askedAt: p.datetime(3),
    /** The node that looked; null: none yet. */
    lookedBy: p.text().nullable(),
    lookedAt: p.datetime(3).nullable(),
    /** Looks in a row that failed; 0: the last one succeeded. */
    failures: p.integer().nullable(),
  },
  checks: [{ name: 'probe_second_look_failures_counted', expression: 'failures >= 0' }],
});

export class ProbeSecondLook extends ProbeSecondLookSchema.class {}
ProbeSecondLookSchema.setClass(ProbeSecondLook);
