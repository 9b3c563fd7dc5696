import { LivenessGuard } from './guard/liveness-guard.entity.js';
import { LivenessOrder } from './guard/liveness-order.entity.js';
import { ProbeGuardRow } from './guard/probe-guards/probe-guard.entity.js';
import { ProbeSecondLook } from './probes/holding/second-look.entity.js';

export const LIVENESS_ENTITIES = [LivenessGuard, LivenessOrder, ProbeGuardRow, ProbeSecondLook];
