import { type DynamicModule, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Logger } from 'pino';
import { Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';
import { RequestObserver } from './request-observer.js';

/** Gives everybody {@link Metrics}, serves `/metrics`, and observes every request. */
@Module({})
export class ObservabilityModule {
  static forRoot(logger: Logger): DynamicModule {
    return {
      module: ObservabilityModule,
      global: true,
      controllers: [MetricsController],
      providers: [
        { provide: Metrics, useFactory: processMetrics },
        {
          provide: RequestObserver,
          inject: [HttpAdapterHost, Metrics],
          useFactory: (host: HttpAdapterHost, metrics: Metrics) => new RequestObserver(host, metrics, logger),
        },
      ],
      exports: [Metrics],
    };
  }
}

function processMetrics(): Metrics {
  const metrics = new Metrics();
  metrics.collectProcessMetrics();
  return metrics;
}
