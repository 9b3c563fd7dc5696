import { NamespaceFloor } from './empty-services/namespace-floor.entity.js';
import { IdempotencyKey } from './idempotency/idempotency-key.entity.js';
import { InstanceLease } from './instance-lease.entity.js';
import { NodeRole } from './roles/node-role.entity.js';
import { ServiceInstance } from './service-instance.entity.js';
import { ServiceRevision } from './service-revision.entity.js';

export const REGISTRY_ENTITIES = [
  ServiceInstance,
  InstanceLease,
  ServiceRevision,
  NamespaceFloor,
  IdempotencyKey,
  NodeRole,
];
