import { LivenessGuard } from './guard/liveness-guard.entity.js';
import { LivenessOrder } from './guard/liveness-order.entity.js';

export const LIVENESS_ENTITIES = [LivenessGuard, LivenessOrder];
