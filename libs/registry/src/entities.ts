import { NamespaceFloor, ServiceInstance, ServiceRevision } from '@coordination/catalog';
import { NodeRole } from '@coordination/leadership';
import { IdempotencyKey } from './idempotency/idempotency-key.entity.js';
import { InstanceLease } from './leases/instance-lease.entity.js';

export const REGISTRY_ENTITIES = [
  ServiceInstance,
  InstanceLease,
  ServiceRevision,
  NamespaceFloor,
  IdempotencyKey,
  NodeRole,
];
