import { z } from 'zod';
import { AUDIT_ACTIONS, AUDIT_SOURCES } from './log-event.js';

/** The sets of words of events, each a component of the API description. */
export const auditActionSchema = z.enum(AUDIT_ACTIONS).meta({ id: 'AuditAction' });
export const auditSourceSchema = z.enum(AUDIT_SOURCES).meta({ id: 'AuditSource' });
