import { createHash } from 'node:crypto';
import { canonicalJson } from '@coordination/kernel';
import { type AuditAction, type AuditSource } from './log-event.js';

/** Which events are wanted: all that agree with everything that is set. */
export interface EventFilter {
  readonly namespace?: string | undefined;
  readonly service?: string | undefined;
  /** The caller's own name for the instance. */
  readonly instanceId?: string | undefined;
  /** UUID of the instance. */
  readonly instance?: string | undefined;
  /** One of these; each once, in their order. */
  readonly action?: readonly AuditAction[] | undefined;
  readonly actor?: string | undefined;
  readonly source?: AuditSource | undefined;
  readonly requestId?: string | undefined;
  /** UUID of the transaction. */
  readonly batchId?: string | undefined;
  /** An address or CIDR that the address of the client lies in. */
  readonly clientAddress?: string | undefined;
  /** A part of the reason; letters A to Z count in either case. */
  readonly reason?: string | undefined;
  /** The earliest and the latest time, both included; RFC 3339 in UTC with milliseconds. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Events later, and earlier, than these times, which are not included. */
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  /** The first and the last revision, both included. */
  readonly fromRevision?: number | undefined;
  readonly toRevision?: number | undefined;
  /** Events after, and before, these revisions, which are not included. */
  readonly afterRevision?: number | undefined;
  readonly beforeRevision?: number | undefined;
}

/** What of a filter speaks of revisions and times. */
export type EventBounds = Pick<
  EventFilter,
  'from' | 'to' | 'after' | 'before' | 'fromRevision' | 'toRevision' | 'afterRevision' | 'beforeRevision'
>;

/** By revision: oldest or newest first. */
export type EventOrder = 'asc' | 'desc';

const DIGEST_LENGTH = 16;

/** Names a query, so that a cursor can be told from one of another query. */
export const digestOf = ({ action, ...filter }: EventFilter, order: EventOrder): string =>
  createHash('sha256')
    // One action is a text, as it was where there could be only one: cursors outlive an upgrade of the node.
    .update(canonicalJson({ filter: { ...filter, action: action?.length === 1 ? action[0] : action }, order }))
    .digest('base64url')
    .slice(0, DIGEST_LENGTH);
