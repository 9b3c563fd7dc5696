import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';

/** A sign of life that is to be noted. */
export interface Renewal {
  readonly id: string;
  /** How long ago (ms) the sign came. */
  readonly ageMs: number;
  /** Whether it was a health report, which also says when the instance was last looked at. */
  readonly reported: boolean;
  /** The incarnation that it is for; undefined: whichever runs. */
  readonly incarnationNumber?: number | undefined;
}

/** What is to be done after renewals. */
export interface RenewalOutcome {
  /** Instances that have no lease: they are gone. */
  readonly missing: readonly string[];
  /** Leases that a writing transaction holds at this moment; to be tried again. */
  readonly busy: readonly string[];
  /** Instances that count as unhealthy because their lease had ended, and have one again: a heartbeat heals them. */
  readonly revived: readonly string[];
}

/**
 * When something may be done about the end of a lease `l`, as a timestamptz: what `expiryDueAt` computes, in SQL. The
 * parameters are SQL too; `backSince` may be null in it.
 */
export const leaseOverAt = (flushBoundMs: string, backSince: string, maxGraceMs: string): string => `
  greatest(
    l.renewed_at + make_interval(secs => l.ttl_seconds),
    ${backSince}::timestamptz + make_interval(secs => least(l.ttl_seconds, ${maxGraceMs}::float8 / 1000))
  ) + make_interval(secs => ${flushBoundMs}::float8 / 1000)`;

/** Whether a sign is for the incarnation that runs. */
const COUNTS = 'coalesce(sign.number = l.incarnation_number, true)';

/**
 * SQL for the later one of a stored time of a sign and a new one, but never later than the clock: what is stored can only be
 * so if the clock was set back since, and would keep the instance alive for as long.
 */
export const newest = (stored: string, sign: string): string =>
  `least(greatest(${stored}, ${sign}), clock_timestamp())`;

/**
 * One autocommit statement that never waits: a lease that a writing transaction holds is left for the next round, so
 * that renewals and writers cannot block each other. The commit is not flushed to disk: what a crash of the server could
 * lose is a fraction of a second of renewals, and never makes a lease newer than it is. A sign of an incarnation that has
 * ended counts for nothing.
 */
const RENEW = `
  with unflushed as materialized (
    select set_config('synchronous_commit', 'off', true)
  ), sign as (
    select s.* from unnest($1::uuid[], $2::float8[], $3::bool[], $4::int[]) as s (id, age_ms, reported, number), unflushed
  ), held as (
    select l.instance_id from instance_lease l join sign on sign.id = l.instance_id
    order by l.instance_id for update of l skip locked
  ), renewed as (
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
 * Holds the leases of instances until the transaction ends, in the order in which renewals do. It waits for those that a
 * renewal has at this moment, so what is read afterwards has it.
 */
const HOLD = `
  with held as materialized (
    select instance_id from instance_lease where instance_id = any($1::uuid[]) order by instance_id for update
  )
  select count(*)::int as held from held`;

/** Leases, as heartbeats renew them; those of new and changed instances are written with the instance. */
export class InstanceLeaseRepository {
  /** Notes signs of life; each id may come once. */
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

  /** Holds leases until the transaction ends: no renewal is noted meanwhile. */
  async hold(em: EntityManager, ids: readonly string[]): Promise<void> {
    await query(em, HOLD, [ids]);
  }
}
