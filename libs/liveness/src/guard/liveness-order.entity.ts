import { defineEntity, p } from '@mikro-orm/core';

/** What operators have ordered of guards, one order for each scope. Nobody else writes it, so no order gets lost. */
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
