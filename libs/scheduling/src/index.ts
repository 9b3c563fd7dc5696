export { LoopDelay } from './loop-delay.js';
export { MemoryBudget, type MemoryState } from './memory/memory-budget.js';
export { MemoryModule } from './memory/memory.module.js';
export { Scheduler, type Stepper, type Turn, type WorkOwner } from './scheduler.js';
export { SchedulingModule } from './scheduling.module.js';
export { PLACED_CLASSES, type PlacedClass, WORK_CLASSES, type WorkClass } from './work-class.js';
export { type Place, type PlaceCaller, WorkPlaces } from './work-places.js';
