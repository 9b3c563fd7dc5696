export { createLogger } from './logger.js';
export { Metrics, type Sample } from './metrics.js';
export { NestLogger } from './nest-logger.js';
export { ObservabilityModule } from './observability.module.js';
export { BackgroundTask } from './tasks/background-task.js';
export { BackgroundTasks } from './tasks/background-tasks.js';
export { type JobSchedule, PeriodicJob } from './tasks/periodic-job.js';
