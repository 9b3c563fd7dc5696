/** What tests of other libraries use in addition to `index.ts`. */
export { EventExporter } from './events/event-export.service.js';
export { EventPages } from './events/event-pages.js';
export { InstanceHistory, type InstanceVersion } from './history/instance-history.service.js';
