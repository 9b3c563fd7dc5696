// What tests outside this library need of its inside: imported as `@coordination/database/testing`, and by tests only.
export { type StoreState } from './reading/store-probe.js';
export { type MigrateOptions } from './schema/migrate.js';
export { type SchemaObstacle } from './schema/schema-gate.js';
export { pendingMigrations, readSchemaState, type SchemaState } from './schema/schema-state.js';
