import { type Check, type Health, type InstanceRecord, type Lease } from './instance.js';

const MS = 1_000;

/**
 * When a lease ends unless it is renewed (RFC 3339 in UTC); null: never. Only this function adds a duration to a renewal time:
 * the store keeps the renewal itself, so that no duration can be added twice.
 */
export function expiresAt({ renewedAt }: Lease, { ttlSeconds }: Check): string | null {
  return ttlSeconds === null ? null : new Date(Date.parse(renewedAt) + ttlSeconds * MS).toISOString();
}

/** The time that leases get in addition to their ttl before their end has consequences. */
export interface LeaseAllowance {
  /** The longest time (ms) until an accepted renewal is in the database. */
  readonly flushBoundMs: number;
  /** When renewals became possible again after an outage of the store (RFC 3339 in UTC); null: there was none. */
  readonly recoveringSince: string | null;
  /** How long (ms) each lease lasts after that; its ttl, if that is shorter. */
  readonly maxGraceMs: number;
}

/**
 * When the end of a lease may have consequences (ms since 1970); null: never. By then, a renewal in time is in the database,
 * and instances that could not renew during an outage of the store have had the time of one more lease. `LEASE_OVER_AT` is
 * the same in SQL.
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
 * How far (ms) a stored time may be ahead of the clock of the database before that clock counts as set back since. Times that
 * are read and written at once differ by less.
 */
export const AHEAD_TOLERANCE_MS = 1_000;

/** Whether the clock was set back since it produced a stored time (RFC 3339 in UTC). */
export const isAhead = (time: string, clock: string): boolean =>
  Date.parse(time) > Date.parse(clock) + AHEAD_TOLERANCE_MS;

/** Whether an instance is unhealthy because its lease ended. */
export const hasLapsed = ({ state, decidedBy }: Health): boolean => state === 'unhealthy' && decidedBy === 'lease';

/**
 * When an instance whose lease has ended is deregistered (ms since 1970); null: never. In maintenance it is kept, because the
 * operator expects it to return; the overrides `stopping` and `stopped` do not keep it.
 */
export function deregisterDueAt({ check, health, override }: InstanceRecord): number | null {
  if (!hasLapsed(health) || check.deregisterAfterSeconds === 0 || override?.status === 'maintenance') return null;
  return Date.parse(health.since) + check.deregisterAfterSeconds * MS;
}
