import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Clock, systemClock } from '@coordination/kernel';
import { type Logger as PinoLogger } from 'pino';
import { Metrics } from './metrics.js';
import { RequestObserver } from './request-observer.js';
import { BackgroundTasks } from './tasks/background-tasks.js';
import { measureTasks } from './tasks/task-metrics.js';

/** Provides {@link Metrics} and {@link BackgroundTasks} everywhere, and observes every request. */
@Module({})
export class ObservabilityModule {
  /** @param clock by which background tasks are judged */
  static forRoot(logger: PinoLogger, clock: Clock = systemClock): DynamicModule {
    return {
      module: ObservabilityModule,
      global: true,
      providers: [
        { provide: Metrics, useFactory: processMetrics },
        {
          provide: BackgroundTasks,
          inject: [Metrics],
          useFactory: (metrics: Metrics) => {
            const tasks = new BackgroundTasks({ clock, log: new Logger('Tasks') });
            measureTasks(metrics, tasks);
            return tasks;
          },
        },
        {
          provide: RequestObserver,
          inject: [HttpAdapterHost, Metrics],
          useFactory: (host: HttpAdapterHost, metrics: Metrics) => new RequestObserver(host, metrics, logger),
        },
      ],
      exports: [Metrics, BackgroundTasks],
    };
  }
}

function processMetrics(): Metrics {
  const metrics = new Metrics();
  metrics.collectProcessMetrics();
  return metrics;
}
