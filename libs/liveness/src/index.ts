export { LIVENESS_ENTITIES } from './entities.js';
export { GuardOverrides, type GuardRequest } from './guard/guard-overrides.service.js';
export { type GuardRules, guardRules } from './guard/guard-rules.js';
export {
  GUARD_PHASES,
  GUARD_REASONS,
  type GuardPhase,
  type GuardReason,
  type GuardScope,
  type GuardState,
} from './guard/guard-state.js';
export { GuardStates } from './guard/guard-states.js';
export { LivenessModule } from './liveness.module.js';
export { type NodeAddress, nodeAddress } from './nodes/node-address.js';
export { NodeRegistration } from './nodes/node-registration.job.js';
export { NODE_NAMESPACE, NODE_SERVICE } from './nodes/node-service.js';
export { type NodeShare, ProbeOverview, type ProbeQueue } from './probes/probe-overview.js';
export {
  type LeaseOverview,
  type LivenessOverview,
  LivenessOverviewReader,
  SOON_SECONDS,
} from './sweep/liveness-overview.service.js';
