import { CALL_SOURCES } from '@coordination/context';
import { z } from 'zod';
import { AUDIT_ACTIONS } from './log-event.js';

/** Enumerations of event fields, each a component of the OpenAPI document. */
export const auditActionSchema = z.enum(AUDIT_ACTIONS).meta({ id: 'AuditAction' });
export const auditSourceSchema = z.enum(CALL_SOURCES).meta({ id: 'AuditSource' });
