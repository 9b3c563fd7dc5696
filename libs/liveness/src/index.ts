export { LIVENESS_ENTITIES } from './entities.js';
export { GuardStates } from './guard/guard-states.js';
export { LivenessModule } from './liveness.module.js';
export { nodeAddress } from './nodes/node-address.js';
export { NodeRegistration } from './nodes/node-registration.job.js';
export { ProbeOverview } from './probes/probe-overview.js';
export { SweeperJob } from './sweep/sweeper.job.js';
