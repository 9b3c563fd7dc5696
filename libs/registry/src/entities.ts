import { NamespaceFloor } from '@coordination/catalog';
import { IdempotencyKey } from './idempotency/idempotency-key.entity.js';
import { InstanceLease } from './leases/instance-lease.entity.js';
import { NodeRole } from '@coordination/leadership';
import { ServiceInstance } from '@coordination/catalog';
import { ServiceRevision } from '@coordination/catalog';

export const REGISTRY_ENTITIES = [
  ServiceInstance,
  InstanceLease,
  ServiceRevision,
  NamespaceFloor,
  IdempotencyKey,
  NodeRole,
];
