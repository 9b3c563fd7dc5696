import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';

/** A sign of life that is to be noted. */
export interface Renewal {
  readonly id: string;
  /** How long ago (ms) the sign came. */
  readonly ageMs: number;
  /** Whether it was a health report, which also says when the instance was last looked at. */
  readonly reported: boolean;
}

/** Which renewals were not noted. */
export interface UnnotedRenewals {
  /** Instances that have no lease: they are gone. */
  readonly missing: readonly string[];
  /** Leases that a writing transaction holds at this moment; to be tried again. */
  readonly busy: readonly string[];
}

/**
 * One autocommit statement that never waits: a lease that a writing transaction holds is left for the next round, so
 * that renewals and writers cannot block each other. The commit is not flushed to disk: what a crash of the server could
 * lose is a fraction of a second of renewals, and never makes a lease newer than it is.
 */
const RENEW = `
  with unflushed as materialized (
    select set_config('synchronous_commit', 'off', true)
  ), sign as (
    select s.* from unnest($1::uuid[], $2::float8[], $3::bool[]) as s (id, age_ms, reported), unflushed
  ), held as (
    select l.instance_id from instance_lease l join sign on sign.id = l.instance_id
    order by l.instance_id for update of l skip locked
  ), renewed as (
    update instance_lease l set
      renewed_at = greatest(l.renewed_at, now() - make_interval(secs => sign.age_ms / 1000)),
      checked_at = case when sign.reported
        then greatest(l.checked_at, now() - make_interval(secs => sign.age_ms / 1000)) else l.checked_at end
    from held join sign on sign.id = held.instance_id
    where l.instance_id = held.instance_id
  )
  select sign.id, exists (select from instance_lease l where l.instance_id = sign.id) as known
  from sign left join held on held.instance_id = sign.id
  where held.instance_id is null`;

/** Leases, as heartbeats renew them; those of new and changed instances are written with the instance. */
export class InstanceLeaseRepository {
  /** Notes signs of life; each id may come once. */
  async renew(em: EntityManager, renewals: readonly Renewal[]): Promise<UnnotedRenewals> {
    const rows = await query<{ id: string; known: boolean }>(em, RENEW, [
      renewals.map(renewal => renewal.id),
      renewals.map(renewal => renewal.ageMs),
      renewals.map(renewal => renewal.reported),
    ]);
    return {
      missing: rows.filter(row => !row.known).map(row => row.id),
      busy: rows.filter(row => row.known).map(row => row.id),
    };
  }
}
