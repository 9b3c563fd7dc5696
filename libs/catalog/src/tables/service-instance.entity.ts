import { defineEntity, p } from '@mikro-orm/core';
import { type JsonObject } from '@coordination/kernel';
import {
  type Check,
  type Health,
  CHECK_KINDS,
  HEALTH_STATES,
  INSTANCE_TYPES,
  type InstanceType,
  type Override,
  OVERRIDE_STATUSES,
  type Scheme,
  SCHEMES,
  type Status,
} from '../model/instance.js';

const oneOf = (values: readonly string[]) => values.map(value => `'${value}'`).join(', ');

/**
 * The present catalog: the state after the last event of the log, written in the same transactions. Repositories derive their
 * statements from these properties; records and responses have them in this order.
 */
export const ServiceInstanceSchema = defineEntity({
  name: 'ServiceInstance',
  tableName: 'service_instance',
  properties: {
    id: p.uuid().primary(),
    namespace: p.text(),
    service: p.text(),
    instanceId: p.text(),
    incarnation: p.text().nullable(),
    incarnationNumber: p.integer().default(1),
    type: p.text().$type<InstanceType>(),
    scheme: p.text().$type<Scheme>(),
    host: p.text(),
    port: p.integer(),
    zone: p.text().nullable(),
    weight: p.integer(),
    status: p.text().$type<Status>().generated("(coalesce(override ->> 'status', health ->> 'state')) stored"),
    health: p.json<Health>(),
    override: p.json<Override>().nullable(),
    metadata: p.json<JsonObject>().defaultRaw("'{}'"),
    check: p.json<Check>().fieldName('check_terms'),
    registeredAt: p.datetime(3),
    updatedAt: p.datetime(3),
    version: p.integer().version().default(1),
    revision: p.bigint('number'),
    endedIncarnations: p.json<readonly string[]>().nullable(),
  },
  uniques: [
    {
      name: 'service_instance_identity_key',
      properties: ['namespace', 'service', 'instanceId'],
      deferMode: 'immediate',
    },
  ],
  indexes: [
    {
      name: 'service_instance_override_until_idx',
      properties: ['override'],
      expression: `create index "service_instance_override_until_idx" on "service_instance" (("override" ->> 'until')) where "override" ->> 'until' is not null`,
    },
  ],
  checks: [
    { name: 'service_instance_namespace_form', expression: "namespace ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'" },
    { name: 'service_instance_service_form', expression: "service ~ '^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$'" },
    {
      name: 'service_instance_instance_id_form',
      expression: "instance_id ~ '^([A-Za-z0-9._:@-]{1,200}|\\[[0-9a-f:.]{2,45}\\]:[0-9]{1,5})$'",
    },
    { name: 'service_instance_type_known', expression: `type in (${oneOf(INSTANCE_TYPES)})` },
    { name: 'service_instance_scheme_known', expression: `scheme in (${oneOf(SCHEMES)})` },
    { name: 'service_instance_host_length', expression: 'length(host) >= 1 and length(host) <= 253' },
    { name: 'service_instance_port_range', expression: 'port >= 1 and port <= 65535' },
    { name: 'service_instance_weight_range', expression: 'weight >= 0 and weight <= 10000' },
    { name: 'service_instance_metadata_is_object', expression: "jsonb_typeof(metadata) = 'object'" },
    {
      name: 'service_instance_check_kind_known',
      expression: `coalesce(check_terms ->> 'kind', '') in (${oneOf(CHECK_KINDS)})`,
    },
    {
      name: 'service_instance_health_state_known',
      expression: `coalesce(health ->> 'state', '') in (${oneOf(HEALTH_STATES)})`,
    },
    {
      name: 'service_instance_override_status_known',
      expression: `override is null or override ->> 'status' in (${oneOf(OVERRIDE_STATUSES)})`,
    },
    { name: 'service_instance_incarnation_form', expression: "incarnation ~ '^[A-Za-z0-9._:@+/=-]{1,100}$'" },
    { name: 'service_instance_incarnation_number_positive', expression: 'incarnation_number > 0' },
    {
      name: 'service_instance_ended_incarnations_are_list',
      expression: "jsonb_typeof(ended_incarnations) = 'array'",
    },
    { name: 'service_instance_times_ordered', expression: 'updated_at >= registered_at' },
    { name: 'service_instance_version_positive', expression: 'version > 0' },
    { name: 'service_instance_revision_positive', expression: 'revision > 0' },
  ],
});

export class ServiceInstance extends ServiceInstanceSchema.class {}
ServiceInstanceSchema.setClass(ServiceInstance);
