export { LoopDelay } from './loop-delay.js';
export { PLACE_KINDS, type PlaceKind, type PlaceLimits } from './places/place-kinds.js';
export { retryAfterSeconds } from './places/retry-after.js';
export { Scheduler, type Stepper, type Turn, type WorkOwner } from './scheduler.js';
export { SchedulingModule } from './scheduling.module.js';
export { WORK_CLASSES, type WorkClass } from './work-class.js';
export { type Place, type PlaceCaller, type PlaceUse, WorkPlaces } from './work-places.js';
