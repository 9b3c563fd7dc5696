export { AuditModule } from './audit.module.js';
export { AuditQuery, type EventQuery } from './events/audit-query.service.js';
