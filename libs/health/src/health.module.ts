import { type DynamicModule, type InjectionToken, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { settingsProvider } from '@coordination/config';
import { BoundsIndicator } from './bounds/bounds.indicator.js';
import { CatalogIndicator } from './catalog.indicator.js';
import { DatabaseIndicator } from './database.indicator.js';
import { Drain, drainSettings } from './drain.js';
import { HealthParts } from './health-parts.js';
import {
  ActiveGuards,
  CatalogFreshness,
  LastSweep,
  LogRoomLeft,
  NodeName,
  ProbeBacklog,
  WriteQueueLength,
} from './health-sources.js';
import { HealthController } from './health.controller.js';
import { LivenessIndicator } from './liveness.indicator.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsText } from './metrics-text.js';
import { NodeIndicator, SERVICE_VERSION } from './node.indicator.js';
import { ProbesController } from './probes.controller.js';

/** The providers that report the state of the parts. */
export interface HealthModuleOptions {
  readonly version: string;
  /** Modules that export the providers named below, unless they are global. */
  readonly imports?: DynamicModule['imports'];
  readonly view: InjectionToken<CatalogFreshness>;
  readonly writer: InjectionToken<WriteQueueLength>;
  readonly log: InjectionToken<LogRoomLeft>;
  readonly guards: InjectionToken<ActiveGuards>;
  readonly sweeps: InjectionToken<LastSweep>;
  readonly probes: InjectionToken<ProbeBacklog>;
  readonly node: InjectionToken<NodeName>;
}

/** Serves `/health`, the probes below it, and `/metrics`. Needs the modules of settings, database, observability, scheduling and memory. */
@Module({})
export class HealthModule {
  static forRoot(sources: HealthModuleOptions): DynamicModule {
    return {
      module: HealthModule,
      // Probes come every few seconds; failures are logged by the parts that detect them.
      imports: [...(sources.imports ?? []), TerminusModule.forRoot({ logger: false })],
      controllers: [ProbesController, HealthController, MetricsController],
      providers: [
        BoundsIndicator,
        CatalogIndicator,
        DatabaseIndicator,
        LivenessIndicator,
        NodeIndicator,
        MetricsText,
        HealthParts,
        Drain,
        settingsProvider(drainSettings),
        { provide: CatalogFreshness, useExisting: sources.view },
        { provide: WriteQueueLength, useExisting: sources.writer },
        { provide: LogRoomLeft, useExisting: sources.log },
        { provide: ActiveGuards, useExisting: sources.guards },
        { provide: LastSweep, useExisting: sources.sweeps },
        { provide: ProbeBacklog, useExisting: sources.probes },
        { provide: NodeName, useExisting: sources.node },
        { provide: SERVICE_VERSION, useValue: sources.version },
      ],
    };
  }
}
