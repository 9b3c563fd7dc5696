import { settingsProvider } from '@coordination/config';
import { LoopDelay } from '@coordination/scheduling';
import { type DynamicModule, Module } from '@nestjs/common';
import { Databases } from './connections/databases.js';
import { PoolMetrics } from './connections/pool-metrics.js';
import {
  type ConnectionSettings,
  connectionSettings,
  DATABASE_SOURCE,
  type DatabaseSource,
  migrationSettings,
  schemaGateOptions,
} from './database-settings.js';
import { SnapshotMetrics } from './reading/snapshot-metrics.js';
import { StoreProbe } from './reading/store-probe.js';
import { SCHEMA_GATE_OPTIONS, SchemaGate } from './schema/schema-gate.js';

/**
 * Provides {@link Databases}, the {@link SchemaGate} and the {@link StoreProbe} to all modules. The caller that starts the
 * application closes `Databases` after it: classes that write their last rows while the application ends still need the
 * connections.
 */
@Module({})
export class DatabaseModule {
  static forRoot(source: DatabaseSource): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        { provide: DATABASE_SOURCE, useValue: source },
        settingsProvider(connectionSettings),
        settingsProvider(migrationSettings),
        {
          provide: Databases,
          inject: [connectionSettings, LoopDelay],
          useFactory: (settings: ConnectionSettings, delay: LoopDelay) =>
            Databases.open({ ...source, ...settings }, delay),
        },
        {
          provide: SCHEMA_GATE_OPTIONS,
          inject: [DATABASE_SOURCE, connectionSettings, migrationSettings],
          useFactory: schemaGateOptions,
        },
        SchemaGate,
        StoreProbe,
        PoolMetrics,
        SnapshotMetrics,
      ],
      exports: [Databases, SchemaGate, StoreProbe],
    };
  }
}
