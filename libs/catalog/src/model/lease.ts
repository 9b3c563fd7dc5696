import { type Check, type Health, type InstanceRecord, type Lease } from './instance.js';

const MS = 1_000;

/**
 * When a lease ends unless it is renewed (RFC 3339 in UTC); null: never. Only this function adds a duration to a renewal time:
 * the store keeps the renewal itself, so that no duration can be added twice.
 */
export function expiresAt({ renewedAt }: Lease, { ttlSeconds }: Check): string | null {
  return ttlSeconds === null ? null : new Date(Date.parse(renewedAt) + ttlSeconds * MS).toISOString();
}

/**
 * A stall of the node that ends leases, which could answer no renewal meanwhile. No other node ended leases in its place. Times
 * are RFC 3339 in UTC, by the clock of the database.
 */
export interface LeaseStall {
  /** It began after this time. */
  readonly from: string;
  /** It ended before this time. */
  readonly until: string;
  /** How long (ms) it was; several within the period count together. */
  readonly ms: number;
}

/** A stall (ms) from which on each lease lasts once more, as after an outage of the store of that length. */
export const LONG_STALL_MS = 3_000;

/** The time that leases get in addition to their ttl before their end has consequences. */
export interface LeaseAllowance {
  /** The longest time (ms) until an accepted renewal is in the database. */
  readonly flushBoundMs: number;
  /** When renewals became possible again after an outage of the store (RFC 3339 in UTC); null: there was none. */
  readonly recoveringSince: string | null;
  /** How long (ms) each lease lasts after that, or after a long stall; its ttl, if that is shorter. */
  readonly maxGraceMs: number;
  /** The last stalls of the node that ends leases. */
  readonly stalls: readonly LeaseStall[];
}

/**
 * When the end of a lease may have consequences (ms since 1970); null: never. By then, a renewal in time is in the database,
 * and instances that could not renew during an outage of the store, or a stall of this service, have had time for it.
 * `leaseOverAt` and `stalledLeaseOverAt` are the same in SQL.
 */
export function expiryDueAt(lease: Lease, { ttlSeconds }: Check, allowance: LeaseAllowance): number | null {
  if (ttlSeconds === null) return null;
  const ttlMs = ttlSeconds * MS;
  const end = Date.parse(lease.renewedAt) + ttlMs;
  const graceMs = Math.min(ttlMs, allowance.maxGraceMs);
  const graceEnd = allowance.recoveringSince === null ? end : Date.parse(allowance.recoveringSince) + graceMs;
  const stallEnd = endAfterStalls(Date.parse(lease.renewedAt), end, graceMs, allowance.stalls);
  return Math.max(graceEnd, stallEnd) + allowance.flushBoundMs;
}

/**
 * When a lease ends that could not be renewed in some stalls: its time does not pass in them. After a long one it lasts once
 * more, so that an instance has a whole ttl to renew; but not once more for each: what it gets beyond the length of the stalls is
 * one ttl in sum, so that dead instances end however often a node stalls.
 */
function endAfterStalls(renewedAt: number, end: number, graceMs: number, stalls: readonly LeaseStall[]): number {
  let stalledMs = 0;
  let longUntil = -Infinity;
  for (const { from, until, ms } of stalls) {
    const untilMs = Date.parse(until);
    const missedMs = Math.min(ms, untilMs - Math.max(Date.parse(from), renewedAt));
    if (missedMs <= 0) continue;
    stalledMs += missedMs;
    if (ms >= LONG_STALL_MS) longUntil = Math.max(longUntil, untilMs);
  }
  const shifted = end + stalledMs;
  return Math.max(shifted, Math.min(longUntil, shifted) + graceMs);
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
