import { type DynamicModule, type InjectionToken, Module } from '@nestjs/common';
import { HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { type Settings } from '@coordination/config';
import { CatalogIndicator } from './catalog.indicator.js';
import { DatabaseIndicator } from './database.indicator.js';
import { Drain } from './drain.js';
import { HealthController } from './health.controller.js';
import {
  ActiveGuards,
  CatalogFreshness,
  LastSweep,
  LogRoomLeft,
  NodeName,
  WriteQueueLength,
} from './health-sources.js';
import { LivenessIndicator } from './liveness.indicator.js';
import { LogIndicator } from './log.indicator.js';
import { MetricsController } from './metrics.controller.js';
import { NodeIndicator } from './node.indicator.js';
import { ProcessIndicator, SERVICE_VERSION } from './process.indicator.js';
import { TasksIndicator } from './tasks.indicator.js';

const MILLISECONDS = 1000;

/** Who tells how the parts are. */
export interface HealthModuleOptions {
  readonly settings: Pick<Settings, 'PCS_SHUTDOWN_DRAIN_SECONDS'>;
  readonly version: string;
  /** Modules that export the providers named below, unless they are global. */
  readonly imports?: DynamicModule['imports'];
  /** A provider that is a {@link CatalogFreshness}. */
  readonly view: InjectionToken<CatalogFreshness>;
  /** A provider that is a {@link WriteQueueLength}. */
  readonly writer: InjectionToken<WriteQueueLength>;
  /** A provider that is a {@link LogRoomLeft}. */
  readonly log: InjectionToken<LogRoomLeft>;
  /** A provider that is {@link ActiveGuards}. */
  readonly guards: InjectionToken<ActiveGuards>;
  /** A provider that is a {@link LastSweep}. */
  readonly sweeps: InjectionToken<LastSweep>;
  /** A provider that is a {@link NodeName}. */
  readonly node: InjectionToken<NodeName>;
}

/** Serves `/health`, the probes below it, and `/metrics`. Needs `Databases`, `SchemaGate` and `BackgroundTasks`. */
@Module({})
export class HealthModule {
  static forRoot(options: HealthModuleOptions): DynamicModule {
    const { settings, version, imports = [], view, writer, log, guards, sweeps, node } = options;
    return {
      module: HealthModule,
      imports: [
        ...imports,
        // Probes ask every few seconds; what is wrong is logged by whoever finds it.
        TerminusModule.forRoot({ logger: false }),
      ],
      controllers: [HealthController, MetricsController],
      providers: [
        CatalogIndicator,
        DatabaseIndicator,
        LivenessIndicator,
        LogIndicator,
        NodeIndicator,
        ProcessIndicator,
        TasksIndicator,
        {
          provide: Drain,
          inject: [HealthIndicatorService],
          useFactory: (health: HealthIndicatorService) =>
            new Drain(health, settings.PCS_SHUTDOWN_DRAIN_SECONDS * MILLISECONDS),
        },
        { provide: CatalogFreshness, useExisting: view },
        { provide: WriteQueueLength, useExisting: writer },
        { provide: LogRoomLeft, useExisting: log },
        { provide: ActiveGuards, useExisting: guards },
        { provide: LastSweep, useExisting: sweeps },
        { provide: NodeName, useExisting: node },
        { provide: SERVICE_VERSION, useValue: version },
      ],
    };
  }
}
