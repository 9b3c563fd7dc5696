export { AuditModule } from './audit.module.js';
export { AuditQuery, type EventPage, type EventQuery } from './events/audit-query.service.js';
export { EventExporter } from './events/event-export.service.js';
export { InstanceHistory, type InstanceVersion } from './history/instance-history.service.js';
