export { LivenessModule } from './liveness.module.js';
export { nodeAddress, type NodeAddress } from './nodes/node-address.js';
export { NODE_NAMESPACE, NODE_SERVICE, NodeRegistration } from './nodes/node-registration.job.js';
