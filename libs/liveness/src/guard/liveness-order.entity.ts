import { defineEntity, p } from '@mikro-orm/core';

/** Operators' overrides of guards, one for each scope. Only requests of operators write it, so that no override gets lost. */
export const LivenessOrderSchema = defineEntity({
  name: 'LivenessOrder',
  tableName: 'liveness_order',
  properties: {
    namespace: p.text().primary(),
    service: p.text().primary(),
    kind: p.text(),
    orderedAt: p.datetime(3),
    until: p.datetime(3),
    reason: p.text().nullable(),
    orderedBy: p.text(),
  },
  checks: [{ name: 'liveness_order_kind_known', expression: "kind in ('force', 'end')" }],
});

export class LivenessOrder extends LivenessOrderSchema.class {}
LivenessOrderSchema.setClass(LivenessOrder);
