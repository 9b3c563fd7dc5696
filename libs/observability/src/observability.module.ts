import { type DynamicModule, Module } from '@nestjs/common';
import { type Clock, systemClock } from '@coordination/kernel';
import { type Logger } from 'pino';
import { Metrics } from './metrics.js';
import { PINO_LOGGER, RequestObserver } from './request-observer.js';
import { BackgroundTasks, TASK_CLOCK } from './tasks/background-tasks.js';
import { TaskMetrics } from './tasks/task-metrics.js';

/** Provides {@link Metrics} and {@link BackgroundTasks} to all modules, and observes every request. */
@Module({})
export class ObservabilityModule {
  /** @param clock the clock of background tasks */
  static forRoot(logger: Logger, clock: Clock = systemClock): DynamicModule {
    return {
      module: ObservabilityModule,
      global: true,
      providers: [
        Metrics,
        BackgroundTasks,
        TaskMetrics,
        RequestObserver,
        { provide: PINO_LOGGER, useValue: logger },
        { provide: TASK_CLOCK, useValue: clock },
      ],
      exports: [Metrics, BackgroundTasks],
    };
  }
}
