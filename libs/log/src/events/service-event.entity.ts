import { defineEntity, p } from '@mikro-orm/core';
import { type CallSource } from '@coordination/context';
import { type AuditAction } from './log-event.js';

/**
 * The log: one row for each event. Rows are never updated; compaction removes whole partitions. The table is partitioned by
 * ranges of `revision`; the migration and `ensure_service_event_partitions` create the partitions, which MikroORM does not
 * manage. Responses and exports contain the properties of events in this order.
 */
export const ServiceEventSchema = defineEntity({
  name: 'ServiceEvent',
  tableName: 'service_event',
  properties: {
    revision: p.bigint('number').primary().autoincrement(false),
    at: p.datetime(3),
    action: p.text().$type<AuditAction>(),
    namespace: p.text().nullable(),
    service: p.text().nullable(),
    instanceId: p.text().nullable(),
    instanceUuid: p.uuid().nullable(),
    actor: p.text(),
    clientAddress: p.text().nullable(),
    requestId: p.text().nullable(),
    source: p.text().$type<CallSource>(),
    reason: p.text().nullable(),
    batchId: p.uuid(),
    version: p.integer().nullable(),
    before: p.json<unknown>().nullable(),
    after: p.json<unknown>().nullable(),
    hashVersion: p.smallint(),
    previousHash: p.text(),
    hash: p.text(),
  },
  checks: [
    { name: 'service_event_revision_range', expression: 'revision > 0 and revision < 9007199254740992' },
    { name: 'service_event_previous_hash_form', expression: "previous_hash ~ '^[0-9a-f]{64}$'" },
    { name: 'service_event_hash_form', expression: "hash ~ '^[0-9a-f]{64}$'" },
    { name: 'service_event_action_form', expression: "action ~ '^[a-z]+[.][a-z_]+$'" },
    {
      name: 'service_event_says_something',
      expression: "before is not null or after is not null or action !~ '^instance[.]'",
    },
  ],
  indexes: [
    { name: 'service_event_instance_idx', properties: ['instanceUuid', 'revision'] },
    { name: 'service_event_service_idx', properties: ['namespace', 'service', 'revision'] },
    { name: 'service_event_identity_idx', properties: ['namespace', 'service', 'instanceId', 'revision'] },
    { name: 'service_event_actor_idx', properties: ['actor', 'revision'] },
    { name: 'service_event_request_idx', properties: ['requestId', 'revision'] },
    { name: 'service_event_at_idx', properties: ['at', 'revision'] },
    {
      name: 'service_event_epoch_idx',
      properties: ['revision'],
      expression: `create index "service_event_epoch_idx" on "service_event" ("revision") where "action" = 'catalog.epoch_started'`,
    },
  ],
});

export class ServiceEvent extends ServiceEventSchema.class {}
ServiceEventSchema.setClass(ServiceEvent);
