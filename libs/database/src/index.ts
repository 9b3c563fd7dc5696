export { Databases, type DatabaseTarget, type PoolUse, type Purpose } from './databases.js';
export { migrate, pendingMigrations, type MigrateOptions } from './migrate.js';
export { NotificationListener, type NotificationListenerOptions } from './notification-listener.js';
export { pgOptions, type SslMode } from './pg-options.js';
export { autocommit, DoubtfulCommitError, isoTime, query } from './query.js';
export { read, READ_TIMEOUT_MS, type ReadOptions } from './read.js';
export { readOnce } from './read-once.js';
export { isStoreUnavailable, orStoreUnavailable } from './store-errors.js';
export { type DatabasePlace, describePlace, placeOf } from './database-place.js';
export {
  EMBEDDED_DATABASE,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './embedded/embedded-postgres.js';
export { DatabaseModule, type DatabaseModuleOptions } from './database.module.js';
export { severedAfter } from './severed-after.js';
export { SchemaGate, type SchemaGateOptions } from './schema-gate.js';
