import { createHash } from 'node:crypto';
import { type CallSource } from '@coordination/context';
import { canonicalJson } from '@coordination/kernel';
import { type AuditAction } from './log-event.js';

/** Selects the events that match all properties that are set. */
export interface EventFilter {
  readonly namespace?: string | undefined;
  readonly service?: string | undefined;
  /** The caller's own name for the instance. */
  readonly instanceId?: string | undefined;
  /** UUID of the instance. */
  readonly instance?: string | undefined;
  /** Any of these; sorted, without duplicates. */
  readonly action?: readonly AuditAction[] | undefined;
  readonly actor?: string | undefined;
  readonly source?: CallSource | undefined;
  readonly requestId?: string | undefined;
  /** UUID of the transaction. */
  readonly batchId?: string | undefined;
  /** An address or CIDR that the address of the client lies in. */
  readonly clientAddress?: string | undefined;
  /** A part of the reason; A to Z match in upper and lower case. */
  readonly reason?: string | undefined;
  /** The earliest and the latest time, both included; RFC 3339 in UTC with milliseconds. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Times, not included, after and before which events lie. */
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  /** The first and the last revision, both included. */
  readonly fromRevision?: number | undefined;
  readonly toRevision?: number | undefined;
  /** Revisions, not included, after and before which events lie. */
  readonly afterRevision?: number | undefined;
  readonly beforeRevision?: number | undefined;
}

/** The bounds of a filter on revision and time. */
export type EventBounds = Pick<
  EventFilter,
  'from' | 'to' | 'after' | 'before' | 'fromRevision' | 'toRevision' | 'afterRevision' | 'beforeRevision'
>;

/** By revision: oldest or newest first. */
export type EventOrder = 'asc' | 'desc';

const DIGEST_LENGTH = 16;

/** Identifies a query, so that a cursor of another query is detected. */
export const queryDigest = ({ action, ...filter }: EventFilter, order: EventOrder): string =>
  createHash('sha256')
    // A single action is hashed as a text, as by earlier versions that allowed only one: their cursors must remain valid.
    .update(canonicalJson({ filter: { ...filter, action: action?.length === 1 ? action[0] : action }, order }))
    .digest('base64url')
    .slice(0, DIGEST_LENGTH);
