export { databaseClock } from './database-clock.js';
export { Databases, type DatabaseTarget, type PoolUse, type Purpose } from './databases.js';
export { type AppRole, appRoleOf } from './app-role.js';
export { migrate, type MigrateOptions } from './migrate.js';
export { pendingMigrations, readSchemaState, type SchemaState } from './schema-state.js';
export { NotificationListener, type NotificationListenerOptions } from './notification-listener.js';
export { administer } from './administer.js';
export { clientUnderLock, type ClientUnderLockOptions } from './client-under-lock.js';
export { ConnectFailedError, DatabaseClient } from './database-client.js';
export { pgOptions, type PgOptions } from './pg-options.js';
export { type SslMode } from './tls-demand.js';
export { autocommit, DoubtfulCommitError, isoTime, query } from './query.js';
export { read, READ_TIMEOUT_MS, type ReadOptions } from './read.js';
export { readOnce } from './read-once.js';
export { isStoreUnavailable, orStoreUnavailable } from './store-errors.js';
export { type DatabasePlace, describePlace, describeServers, placeOf } from './database-place.js';
export {
  EMBEDDED_DATABASE,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './embedded/embedded-postgres.js';
export { columnsOf } from './columns/columns-of.js';
export { compileRecordForm } from './columns/record-form.js';
export { VersionedRecord } from './records/versioned-record.js';
export { VersionedRepository } from './records/versioned-repository.js';
export { DatabaseModule, type DatabaseModuleOptions } from './database.module.js';
export { StoreProbe, type StoreState } from './store-probe.js';
export { type MetTrouble, type Trouble } from './trouble.js';
export { severedAfter } from './severed-after.js';
export { ConnectionLostError, underLock, type LockOptions } from './under-lock.js';
export { SchemaGate, type SchemaGateOptions, type SchemaObstacle } from './schema-gate.js';
