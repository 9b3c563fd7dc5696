import { Injectable } from '@nestjs/common';
import { LONG_STALL_MS } from '@coordination/catalog';
import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';

/** A sign of life that must be recorded. */
export interface Renewal {
  readonly id: string;
  /** How long ago (ms) the sign came. */
  readonly ageMs: number;
  /** Whether it was a health report, which also sets the time of the last check. */
  readonly reported: boolean;
  /** The incarnation that it is for; undefined: the one that runs, whichever it is. */
  readonly incarnationNumber?: number | undefined;
}

/** The outcome of renewals, where something is left to do. */
export interface RenewalOutcome {
  /** Instances that have no lease, because they do not exist. */
  readonly missing: readonly string[];
  /** Leases that a writing transaction has locked at this moment; to be tried again. */
  readonly busy: readonly string[];
  /** Instances that are unhealthy because their lease had ended, and have been renewed: a heartbeat heals them. */
  readonly revived: readonly string[];
}

/**
 * SQL for the time from which a lease `l` may be ended, as a timestamptz: the same as `expiryDueAt` computes. The parameters
 * are SQL too; `backSince` may be null in it.
 */
export const leaseOverAt = (flushBoundMs: string, backSince: string, maxGraceMs: string): string => `
  greatest(
    l.renewed_at + make_interval(secs => l.ttl_seconds),
    ${backSince}::timestamptz + make_interval(secs => least(l.ttl_seconds, ${maxGraceMs}::float8 / 1000))
  ) + make_interval(secs => ${flushBoundMs}::float8 / 1000)`;

/**
 * SQL for that time, for a lease `l` with a ttl, where the node that ends leases was stalled: the same as `expiryDueAt` computes of
 * stalls alone.
 * @param stall the name of a relation of the stalls, with the columns since, until and ms
 */
export const stalledLeaseOverAt = (flushBoundMs: string, maxGraceMs: string, stall: string): string => `
  (select greatest(shifted, least(long_until, shifted) + case when long_until is null then interval '0'
      else make_interval(secs => least(l.ttl_seconds, ${maxGraceMs}::float8 / 1000)) end)
      + make_interval(secs => ${flushBoundMs}::float8 / 1000)
    from (
      select l.renewed_at + make_interval(secs => l.ttl_seconds + coalesce(sum(missed_ms), 0) / 1000) as shifted,
        max(until) filter (where ms >= ${LONG_STALL_MS}) as long_until
      from (
        select s.until, s.ms, least(s.ms, extract(epoch from s.until - greatest(s.since, l.renewed_at))::float8 * 1000) as missed_ms
        from ${stall} s
      ) as passed
      where missed_ms > 0
    ) as stalled)`;

/** Whether a sign counts: it is for the incarnation that runs. */
const COUNTS = 'coalesce(sign.number = l.incarnation_number, true)';

/**
 * SQL for the later one of a stored time of a sign and a new one, but never later than the clock: a stored time can be later
 * only if the clock was set back since, and would keep the instance alive for as long.
 */
export const newest = (stored: string, sign: string): string =>
  `least(greatest(${stored}, ${sign}), clock_timestamp())`;

/**
 * The CTEs of an autocommit statement that records signs and never waits: a lease that a writing transaction has locked is not
 * in the CTE `held`, and is left for the next attempt, so that signs and writers cannot block each other. The commit is not
 * flushed to disk: a crash of the server could lose a fraction of a second of signs, but never makes a lease newer than it is.
 * @param name of the CTE of the signs
 * @param columns of that CTE; `id` must be one of them
 * @param arrays SQL of the columns, an array each
 */
export const heldFor = (name: string, columns: string, arrays: string): string => `
  unflushed as materialized (
    select set_config('synchronous_commit', 'off', true)
  ), ${name} as (
    select s.* from unnest(${arrays}) as s (${columns}), unflushed
  ), held as (
    select l.instance_id from instance_lease l join ${name} on ${name}.id = l.instance_id
    order by l.instance_id for update of l skip locked
  )`;

/** Renews the leases that are free. A sign of an incarnation that has ended does not count. */
const RENEW = `
  with ${heldFor('sign', 'id, age_ms, reported, number', '$1::uuid[], $2::float8[], $3::bool[], $4::int[]')}, renewed as (
    update instance_lease l set
      renewed_at = case when ${COUNTS}
        then ${newest('l.renewed_at', 'now() - make_interval(secs => sign.age_ms / 1000)')} else l.renewed_at end,
      checked_at = case when sign.reported and ${COUNTS}
        then ${newest('l.checked_at', 'now() - make_interval(secs => sign.age_ms / 1000)')} else l.checked_at end
    from held join sign on sign.id = held.instance_id
    where l.instance_id = held.instance_id
    -- A report renews the lease too, but what a lease decided is healed by heartbeats alone.
    returning l.instance_id,
      l.lapsed and not sign.reported and ${COUNTS} and l.renewed_at + make_interval(secs => coalesce(l.ttl_seconds, 0)) > now() as revived
  )
  select sign.id, case
      when renewed.revived then 'revived'
      when exists (select from instance_lease l where l.instance_id = sign.id) then 'busy'
      else 'missing' end as fate
  from sign left join renewed on renewed.instance_id = sign.id
  where renewed.revived is not false`;

/**
 * Locks the leases of instances until the transaction ends, in the same order as renewals do. It waits for leases that a
 * renewal has locked, so what is read afterwards includes that renewal.
 */
const HOLD = `
  with held as materialized (
    select instance_id from instance_lease where instance_id = any($1::uuid[]) order by instance_id for update
  )
  select count(*)::int as held from held`;

/** Leases, as heartbeats renew them; leases of new and changed instances are written with the instance. */
@Injectable()
export class InstanceLeaseRepository {
  /** Records signs of life; each id may occur once. */
  async renew(em: EntityManager, renewals: readonly Renewal[]): Promise<RenewalOutcome> {
    const rows = await query<{ id: string; fate: keyof RenewalOutcome }>(em, RENEW, [
      renewals.map(renewal => renewal.id),
      renewals.map(renewal => renewal.ageMs),
      renewals.map(renewal => renewal.reported),
      renewals.map(renewal => renewal.incarnationNumber ?? null),
    ]);
    const idsOf = (fate: keyof RenewalOutcome) => rows.filter(row => row.fate === fate).map(row => row.id);
    return { missing: idsOf('missing'), busy: idsOf('busy'), revived: idsOf('revived') };
  }

  /** Locks leases until the transaction ends: no renewal is recorded meanwhile. */
  async hold(em: EntityManager, ids: readonly string[]): Promise<void> {
    await query(em, HOLD, [ids]);
  }
}
