import { type Settings } from '@coordination/config';
import { type EntityName } from '@mikro-orm/core';
import { appRoleOf } from './schema/app-role.js';
import { type SchemaDefinition } from './schema/schema-definition.js';
import { type SchemaGateOptions } from './schema/schema-gate.js';

/** The database that the application uses, and what is in it. */
export interface DatabaseSource {
  /** The URL in use: that of the embedded PostgreSQL where no URL is set. */
  readonly url: string;
  /** Whether it is the embedded PostgreSQL, which belongs to this service alone. */
  readonly embedded: boolean;
  readonly entities: readonly EntityName<object>[];
  readonly schema: SchemaDefinition;
}

/** Injection token of the {@link DatabaseSource}. */
export const DATABASE_SOURCE = Symbol('DatabaseSource');

/** How connections are made. */
export const connectionSettings = ({ DATABASE_SSL, DATABASE_POOL_MAX }: Settings) => ({
  ssl: DATABASE_SSL,
  poolMax: DATABASE_POOL_MAX,
});
export type ConnectionSettings = ReturnType<typeof connectionSettings>;

/** Who migrates, and as which role. */
export const migrationSettings = (settings: Settings) => ({
  onStart: settings.PCS_MIGRATE_ON_START,
  url: settings.DATABASE_MIGRATION_URL,
  appRole: appRoleOf(settings),
});
export type MigrationSettings = ReturnType<typeof migrationSettings>;

/** The service migrates the embedded PostgreSQL by itself, with the one role that it has. */
export const schemaGateOptions = (
  { url, embedded, schema }: DatabaseSource,
  { ssl }: ConnectionSettings,
  migration: MigrationSettings,
): SchemaGateOptions => ({
  url,
  ssl,
  schema,
  migrate: migration.onStart ?? embedded,
  migrationUrl: embedded ? undefined : migration.url,
  appRole: migration.appRole,
  hasOneRole: embedded,
});
