import { createHash } from 'node:crypto';
import { canonicalJson } from '@coordination/kernel';
import { type AuditAction, type AuditSource } from './audit-event.js';

/** Which events are wanted: all that agree with everything that is set. */
export interface EventFilter {
  readonly namespace?: string | undefined;
  readonly service?: string | undefined;
  /** UUID of the instance. */
  readonly instance?: string | undefined;
  readonly action?: AuditAction | undefined;
  readonly actor?: string | undefined;
  readonly source?: AuditSource | undefined;
  readonly requestId?: string | undefined;
  /** The earliest and the latest time, both included; RFC 3339 in UTC with milliseconds. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Events after, and before, these revisions, which are not included. */
  readonly afterRevision?: number | undefined;
  readonly beforeRevision?: number | undefined;
}

/** By revision: oldest or newest first. */
export type EventOrder = 'asc' | 'desc';

const DIGEST_LENGTH = 16;

/** Names a query, so that a cursor can be told from one of another query. */
export const digestOf = (filter: EventFilter, order: EventOrder): string =>
  createHash('sha256').update(canonicalJson({ filter, order })).digest('base64url').slice(0, DIGEST_LENGTH);
