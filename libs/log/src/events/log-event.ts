/** What happened to the catalog. */
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

/** Through which protocol a change came in. */
export const AUDIT_SOURCES = ['api', 'first-viscount', 'consul', 'eureka', 'system'] as const;
export type AuditSource = (typeof AUDIT_SOURCES)[number];

/** What a change says of itself, before it has its place in the log. `before` and `after` are plain JSON. */
export interface EventDraft {
  readonly action: AuditAction;
  readonly namespace: string | null;
  readonly service: string | null;
  readonly instanceId: string | null;
  readonly instanceUuid: string | null;
  readonly actor: string;
  readonly clientAddress: string | null;
  readonly requestId: string | null;
  readonly source: AuditSource;
  readonly reason: string | null;
  /** The version of the instance after the change. */
  readonly version: number | null;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * One event of the log, as the API tells it and as it is hashed. Plain JSON; `at` is RFC 3339 in UTC with
 * milliseconds.
 */
export interface LogEvent extends EventDraft {
  readonly revision: number;
  readonly at: string;
  /** Names the transaction: events of one batch share it. */
  readonly batchId: string;
  readonly hashVersion: number;
  /** Hash of the event before this one; 64 zeros for the first. */
  readonly previousHash: string;
  readonly hash: string;
}

/** Where the log ends. */
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

/** Where the log ends, held: nobody else can append until the transaction ends. */
export interface LockedHead extends LogHead {
  /** The time of the log, which events get: it never falls along revisions. RFC 3339 in UTC. */
  readonly now: string;
  /**
   * What the clock of the database says; never later than `now`. After the clock was set back it is earlier, until it has
   * passed the newest event. Whatever is compared with the clock later (leases, ends, since when) is dated by it.
   */
  readonly clock: string;
  readonly fence: number;
}

/** Name of the notification that tells followers of the log to look; the payload is the revision. */
export const CATALOG_CHANNEL = 'catalog_changed';
