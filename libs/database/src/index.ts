export { Databases, type DatabaseTarget, type PoolUse, type Purpose } from './databases.js';
export { migrate, pendingMigrations, type MigrateOptions } from './migrate.js';
export { pgOptions, type SslMode } from './pg-options.js';
export { isoTime, query } from './query.js';
export {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './embedded/embedded-postgres.js';
