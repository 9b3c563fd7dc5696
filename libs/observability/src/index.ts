export { createLogger } from './logger.js';
export { Metrics } from './metrics.js';
export { NestLogger } from './nest-logger.js';
export { ObservabilityModule } from './observability.module.js';
