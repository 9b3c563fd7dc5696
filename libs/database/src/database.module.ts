import { type DynamicModule, Module } from '@nestjs/common';
import { type EntityName } from '@mikro-orm/core';
import { type Settings } from '@coordination/config';
import { BackgroundTasks, Metrics } from '@coordination/observability';
import { appRoleOf } from './schema/app-role.js';
import { Databases } from './connections/databases.js';
import { watchPools } from './connections/pool-metrics.js';
import { SchemaGate } from './schema/schema-gate.js';
import { watchOldestSnapshot } from './reading/snapshot-metrics.js';
import { StoreProbe } from './reading/store-probe.js';

/** What the module needs: the settings, and the URL that holds (the embedded PostgreSQL's, where none is set). */
export interface DatabaseModuleOptions {
  readonly url: string;
  readonly embedded: boolean;
  readonly settings: Settings;
  readonly entities: readonly EntityName<object>[];
}

/**
 * Gives everybody {@link Databases}, the {@link SchemaGate} and the {@link StoreProbe}. Whoever starts the application closes `Databases` after
 * it: everything that writes its last rows while the application ends still needs the connections.
 */
@Module({})
export class DatabaseModule {
  static forRoot({ url, embedded, settings, entities }: DatabaseModuleOptions): DynamicModule {
    const ssl = settings.DATABASE_SSL;
    const gate = {
      url,
      ssl,
      migrate: settings.PCS_MIGRATE_ON_START ?? embedded,
      migrationUrl: embedded ? undefined : settings.DATABASE_MIGRATION_URL,
      appRole: appRoleOf(settings),
      hasOneRole: embedded,
    };
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        {
          provide: Databases,
          inject: [{ token: Metrics, optional: true }],
          useFactory: async (metrics?: Metrics) => {
            const databases = await Databases.open({ url, ssl, poolMax: settings.DATABASE_POOL_MAX, entities });
            if (metrics) {
              watchPools(metrics, databases);
              watchOldestSnapshot(metrics, databases);
            }
            return databases;
          },
        },
        {
          provide: StoreProbe,
          inject: [Databases],
          useFactory: (databases: Databases) => new StoreProbe(databases),
        },
        {
          provide: SchemaGate,
          inject: [{ token: BackgroundTasks, optional: true }],
          useFactory: (tasks?: BackgroundTasks) => new SchemaGate(gate, tasks?.task('schema-check')),
        },
      ],
      exports: [Databases, SchemaGate, StoreProbe],
    };
  }
}
