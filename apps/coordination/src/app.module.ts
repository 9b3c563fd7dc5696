import { type DynamicModule, Module } from '@nestjs/common';
import { LOG_ENTITIES, PartitionHeadroom } from '@coordination/log';
import { AuditModule } from '@coordination/audit';
import { ConfigModule, type Settings } from '@coordination/config';
import { ContextModule } from '@coordination/context';
import { DatabaseModule } from '@coordination/database';
import { CatalogView } from '@coordination/catalog';
import { DiscoveryModule } from '@coordination/discovery';
import { HealthModule } from '@coordination/health';
import { HttpModule, SendingModule } from '@coordination/http';
import { type Clock, systemClock } from '@coordination/kernel';
import {
  GuardStates,
  LIVENESS_ENTITIES,
  LivenessModule,
  NodeRegistration,
  ProbeOverview,
  SweeperJob,
} from '@coordination/liveness';
import { SCHEMA } from '@coordination/migrations';
import { ObservabilityModule } from '@coordination/observability';
import { CatalogWriter, REGISTRY_ENTITIES, RegistryModule } from '@coordination/registry';
import { MemoryModule, SchedulingModule } from '@coordination/scheduling';
import { type Logger } from 'pino';
import { SERVICE_VERSION } from './version.js';

/** The PostgreSQL that the service uses. */
export interface DatabaseChoice {
  readonly url: string;
  /** Whether it is the embedded one, which the service always migrates at start. */
  readonly embedded: boolean;
}

/** The root module: imports the modules of the libraries and contains no behaviour. */
@Module({})
export class AppModule {
  /** @param clock measures the age of failures of background tasks */
  static forRoot(
    settings: Settings,
    database: DatabaseChoice,
    logger: Logger,
    clock: Clock = systemClock,
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(settings),
        ContextModule,
        ObservabilityModule.forRoot(logger, clock),
        SchedulingModule,
        HttpModule,
        SendingModule,
        MemoryModule,
        DatabaseModule.forRoot({
          ...database,
          schema: SCHEMA,
          entities: [...LOG_ENTITIES, ...REGISTRY_ENTITIES, ...LIVENESS_ENTITIES],
        }),
        RegistryModule,
        LivenessModule,
        DiscoveryModule,
        AuditModule,
        HealthModule.forRoot({
          version: SERVICE_VERSION,
          imports: [DiscoveryModule, RegistryModule, LivenessModule, AuditModule],
          view: CatalogView,
          writer: CatalogWriter,
          log: PartitionHeadroom,
          guards: GuardStates,
          sweeps: SweeperJob,
          probes: ProbeOverview,
          node: NodeRegistration,
        }),
      ],
    };
  }
}
