import { type Check, type Health, type InstanceRecord, type Lease } from './instance.js';

const MS = 1_000;

/**
 * When a lease ends unless it is renewed (RFC 3339 in UTC); null: never. The only place where a renewal time and a
 * duration are added: what is stored is the renewal, so that no duration can be added twice.
 */
export function expiresAt({ renewedAt }: Lease, { ttlSeconds }: Check): string | null {
  return ttlSeconds === null ? null : new Date(Date.parse(renewedAt) + ttlSeconds * MS).toISOString();
}

/** What leases are given beyond what their holders asked for, before anything is done about their end. */
export interface LeaseAllowance {
  /** By when (ms) a renewal that was taken is in the database. */
  readonly flushBoundMs: number;
  /** Since when renewals can be noted again, after nobody could note any (RFC 3339 in UTC); null: they always could. */
  readonly recoveringSince: string | null;
  /** For how long (ms) after that each lease lasts, or for its ttl if that is shorter. */
  readonly maxGraceMs: number;
}

/**
 * When something may be done about the end of a lease (ms since 1970); null: never. A renewal in time is in the database
 * by then, and whoever could not renew while the store was away has had the time of one more lease for it.
 * `LEASE_OVER_AT` says the same in SQL.
 */
export function expiryDueAt(lease: Lease, { ttlSeconds }: Check, allowance: LeaseAllowance): number | null {
  if (ttlSeconds === null) return null;
  const ttlMs = ttlSeconds * MS;
  const end = Date.parse(lease.renewedAt) + ttlMs;
  const graceEnd =
    allowance.recoveringSince === null
      ? end
      : Date.parse(allowance.recoveringSince) + Math.min(ttlMs, allowance.maxGraceMs);
  return Math.max(end, graceEnd) + allowance.flushBoundMs;
}

/**
 * How far (ms) a stored time may lie ahead of the clock of the database before it counts as one of a clock that was set back
 * since. What is read and written at the same moment differs by less.
 */
export const AHEAD_TOLERANCE_MS = 1_000;

/** Whether a stored time (RFC 3339 in UTC) is of a clock that was set back since. */
export const isAhead = (time: string, clock: string): boolean =>
  Date.parse(time) > Date.parse(clock) + AHEAD_TOLERANCE_MS;

/** Whether an instance is unhealthy because its lease ended. */
export const hasLapsed = ({ state, decidedBy }: Health): boolean => state === 'unhealthy' && decidedBy === 'lease';

/**
 * When an instance goes whose lease has ended (ms since 1970); null: never. Maintenance keeps it, for whoever set it
 * expects it back; one that is stopping or stopped is on its way out.
 */
export function deregisterDueAt({ check, health, override }: InstanceRecord): number | null {
  if (!hasLapsed(health) || check.deregisterAfterSeconds === 0 || override?.status === 'maintenance') return null;
  return Date.parse(health.since) + check.deregisterAfterSeconds * MS;
}
