export { LivenessModule } from './liveness.module.js';
