import { Global, Module } from '@nestjs/common';
import { LoopDelay } from './loop-delay.js';
import { PlaceMetrics } from './place-metrics.js';
import { Scheduler } from './scheduler.js';
import { SchedulingMetrics } from './scheduling-metrics.js';
import { StallWatch } from './stall-watch.js';
import { WorkPlaces } from './work-places.js';

/**
 * Provides the scheduler, the places of heavy work, and the delay of the event loop to all modules. It needs `ContextModule`
 * and `ObservabilityModule`.
 */
@Global()
@Module({
  providers: [Scheduler, LoopDelay, SchedulingMetrics, StallWatch, WorkPlaces, PlaceMetrics],
  exports: [Scheduler, LoopDelay, StallWatch, WorkPlaces],
})
export class SchedulingModule {}
