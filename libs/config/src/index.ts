export { ConfigModule, settingsProvider, SETTINGS_TOKEN } from './config.module.js';
export { budgetFor, memoryShares, type MemoryShares } from './memory/memory-shares.js';
export { settingsReferenceMarkdown } from './settings-reference.js';
export { assertEmbeddedAllowed, readSettings } from './read-settings.js';
export { type Settings } from './settings.js';
export { foreignVariablesOf, serverVariablesOf } from './environment.js';
export { type DatabaseUrl, type TargetSession } from './database-url/database-url.js';
export { formatDatabaseUrl, parseDatabaseUrl } from './database-url/parse-database-url.js';
