export { createLogger } from './logger.js';
export { Metrics } from './metrics.js';
export { NestLogger } from './nest-logger.js';
export { ObservabilityModule } from './observability.module.js';
export { RequestObserver } from './request-observer.js';
export { BackgroundTask, type BackgroundTaskTools, type TaskTurn } from './tasks/background-task.js';
export { BackgroundTasks } from './tasks/background-tasks.js';
export { type TaskTrouble } from './tasks/task-trouble.js';
export { type TaskLog } from './tasks/trouble-lines.js';
