export { GuardOrders, type GuardWish } from './guard/guard-orders.service.js';
export { guardRules, type GuardRules } from './guard/guard-rules.js';
export {
  GUARD_PHASES,
  GUARD_REASONS,
  type GuardPhase,
  type GuardReason,
  type GuardScope,
  type GuardState,
} from './guard/guard-state.js';
export { GuardStates } from './guard/guard-states.js';
export {
  LivenessOverviewReader,
  SOON_SECONDS,
  type LeaseOverview,
  type LivenessOverview,
} from './liveness-overview.service.js';
export { LivenessModule } from './liveness.module.js';
export { nodeAddress, type NodeAddress } from './nodes/node-address.js';
export { NodeRegistration } from './nodes/node-registration.job.js';
export { NODE_NAMESPACE, NODE_SERVICE } from './nodes/node-service.js';
export { RoleElector } from './roles/role-elector.job.js';
export { ProbeOverview, type NodeShare, type ProbeQueue } from './probes/probe-overview.js';
export { LIVENESS_ENTITIES } from './entities.js';
