import { type CallSource } from '@coordination/context';

/** The kinds of events. */
export const AUDIT_ACTIONS = [
  'instance.registered',
  'instance.updated',
  'instance.deregistered',
  'instance.expired',
  'instance.health_changed',
  'instance.override_set',
  'instance.override_cleared',
  'instance.incarnation_started',
  'catalog.epoch_started',
  'catalog.empty_services_dropped',
  'audit.compacted',
  'liveness.guard_began',
  'liveness.guard_ended',
  'liveness.guard_forced',
  'token.created',
  'token.revoked',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** An event before it has its position in the log. `before` and `after` are plain JSON. */
export interface EventDraft {
  readonly action: AuditAction;
  readonly namespace: string | null;
  readonly service: string | null;
  readonly instanceId: string | null;
  readonly instanceUuid: string | null;
  readonly actor: string;
  readonly clientAddress: string | null;
  readonly requestId: string | null;
  readonly source: CallSource;
  readonly reason: string | null;
  /** The version of the instance after the change. */
  readonly version: number | null;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * One event of the log, in the form in which the API returns it and in which it is hashed. Plain JSON; `at` is RFC 3339 in
 * UTC with milliseconds.
 */
export interface LogEvent extends EventDraft {
  readonly revision: number;
  readonly at: string;
  /** UUID of the transaction: all events of one batch have the same. */
  readonly batchId: string;
  readonly hashVersion: number;
  /** Hash of the event before this one; 64 zeros for the first. */
  readonly previousHash: string;
  readonly hash: string;
}

/** The end of the log. */
export interface LogHead {
  /** Revision of the newest event; 0 while the log is empty. */
  readonly revision: number;
  readonly hash: string;
  readonly epoch: string;
  /** Time of the newest event; RFC 3339 in UTC with milliseconds. */
  readonly at: string;
}

/** The head of the log, and the clock of the database when it was read (RFC 3339 in UTC). */
export interface TimedHead extends LogHead {
  readonly clock: string;
}

/** The head of the log while this transaction has locked it: only this transaction can append until it ends. */
export interface LockedHead extends LogHead {
  /** The time that new events get. It never decreases with revisions. RFC 3339 in UTC. */
  readonly now: string;
  /**
   * The clock of the database; never later than `now`. After the clock was set back, it is earlier than `now` until it has
   * passed the time of the newest event. Times that are later compared with the clock (leases, end times) are set from it.
   */
  readonly clock: string;
  readonly fence: number;
}

/** Channel of the notification that followers of the log receive after an append; its payload is the new revision. */
export const CATALOG_CHANNEL = 'catalog_changed';
