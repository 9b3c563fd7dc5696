export { Drain } from './drain.js';
export { HealthModule, type HealthModuleOptions } from './health.module.js';
export { ActiveGuards, CatalogFreshness, LogRoomLeft, WriteQueueLength } from './health-sources.js';
