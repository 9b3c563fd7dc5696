export { Drain } from './drain.js';
export { ActiveGuards, CatalogFreshness, LogRoomLeft, WriteQueueLength } from './health-sources.js';
export { HealthModule, type HealthModuleOptions } from './health.module.js';
export { MetricsController } from './metrics.controller.js';
