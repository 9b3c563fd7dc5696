export { AwakeTimer, awakeMsSince, NO_STALLS, type StallRecord } from './awake-timer.js';
export { LoopDelay } from './loop-delay.js';
export { Scheduler, type Stepper, type Turn, type WorkOwner } from './scheduler.js';
export { SchedulingModule } from './scheduling.module.js';
export { type StallOverview, StallWatch } from './stall-watch.js';
export { PLACED_CLASSES, type PlacedClass, WORK_CLASSES, type WorkClass } from './work-class.js';
export { type Place, type PlaceCaller, WorkPlaces } from './work-places.js';
