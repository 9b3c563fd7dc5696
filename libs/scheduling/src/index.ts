export { AwakeTimer, awakeMsSince, NO_STALLS, type Stalls } from './awake-timer.js';
export { LoopDelay } from './loop-delay.js';
export { Scheduler, type Stepper } from './scheduler.js';
export { SchedulingModule } from './scheduling.module.js';
export { Turn } from './turn.js';
export { PLACED_CLASSES, type PlacedClass, WORK_CLASSES, type WorkClass } from './work-class.js';
export { type Place, type PlaceCaller, WorkPlaces } from './work-places.js';
export { type WorkOwner } from './work-queue.js';
