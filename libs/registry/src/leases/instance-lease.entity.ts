import { defineEntity, p } from '@mikro-orm/core';
import { type ProbeError, ServiceInstanceSchema } from '@coordination/catalog';

/**
 * The lease of an instance, in a narrow table of its own: no column that a renewal changes is indexed, so renewals are
 * heap-only updates.
 */
export const InstanceLeaseSchema = defineEntity({
  name: 'InstanceLease',
  tableName: 'instance_lease',
  properties: {
    instance: () =>
      p
        .oneToOne(ServiceInstanceSchema)
        .primary()
        .fieldName('instance_id')
        .owner()
        .deleteRule('cascade')
        .updateRule('no action'),
    renewedAt: p.datetime(3),
    checkedAt: p.datetime(3).nullable(),
    /** The last probe, if it did not succeed. */
    probeError: p.json<ProbeError>().nullable(),
    /** Copied from the check, so that expired leases are found without reading instances; null: never expires. */
    ttlSeconds: p.integer().nullable(),
    /** Whether the instance is unhealthy because this lease ended; copied for the same reason. */
    lapsed: p.boolean().default(false),
    /** Copied from the instance, so that renewals for an incarnation that has ended are recognized without reading it. */
    incarnationNumber: p.integer().default(1),
  },
  checks: [{ name: 'instance_lease_ttl_range', expression: 'ttl_seconds >= 1 and ttl_seconds <= 86400' }],
});

export class InstanceLease extends InstanceLeaseSchema.class {}
InstanceLeaseSchema.setClass(InstanceLease);
