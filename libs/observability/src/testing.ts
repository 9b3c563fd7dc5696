export { RequestObserver } from './request-observer.js';
export { type TaskTrouble } from './tasks/task-trouble.js';
export { type TaskLog } from './tasks/trouble-lines.js';
