import { migrate as migrateSchema, type SslMode } from '@coordination/database';
import {
  type MigrateOptions,
  pendingMigrations as pendingOf,
  readSchemaState as readState,
  type SchemaState,
} from '@coordination/database/testing';
import { SCHEMA } from '@coordination/migrations';

/** Migrates a database to the schema of this version, or down to nothing. */
export const migrate = (url: string, options: Partial<MigrateOptions> = {}): Promise<string[]> =>
  migrateSchema(url, { schema: SCHEMA, ...options });

/** The names of the migrations of this version that a database lacks. */
export const pendingMigrations = (url: string, ssl: SslMode = 'off'): Promise<string[]> => pendingOf(url, ssl, SCHEMA);

/** What the role of a URL finds of the schema of this version. */
export const readSchemaState = (url: string, ssl: SslMode): Promise<SchemaState> => readState(url, ssl, SCHEMA);
