import { isoTime, query } from '@coordination/database';
import { AHEAD_TOLERANCE_MS, type LeaseAllowance } from '@coordination/catalog';
import { leaseOverAt } from '@coordination/registry';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type Admission, type Candidate } from '../guard/admission.js';
import { type LeaseCounts, type ScopeCount, type ServiceCount } from '../guard/lease-counts.js';

/** How far a stored time may lie ahead of the clock. */
const TOLERANCE = `interval '${AHEAD_TOLERANCE_MS} milliseconds'`;

/**
 * Leases at the moment $1. Only the narrow table is read as a whole: instances are looked up of the leases that are over.
 */
const LEASES = `
  lease as (
    select l.instance_id, l.lapsed, l.renewed_at, ${leaseOverAt('$2', '$3', '$4')} as over_at,
      ${leaseOverAt('$2', 'null', '$4')} as over_without_grace
    from instance_lease l where l.ttl_seconds is not null
  ), over as materialized (
    select instance_id, lapsed, over_at from lease where over_at <= $1::timestamptz
  )`;

/**
 * The instances of leases `o` that are over, one by one. The planner cannot know how few they are: it would rather read
 * the whole catalog, once a second. With OFFSET it has no choice.
 */
const INSTANCE_OF_OVER = `
  cross join lateral (select * from service_instance s where s.id = o.instance_id offset 0) i`;

/**
 * How leases stand, in total and of each service that has some which ended and nothing was done about, or a guard ($7).
 * 300,000 leases take about 0.4 s with none that is over, and 4 to 5 s with all of them.
 */
const COUNT = `
  with ${LEASES}, ended as materialized (
    select o.lapsed, o.over_at, i.namespace, i.service, i.override from over o ${INSTANCE_OF_OVER}
  ), anchor as (
    select * from jsonb_to_recordset($7) as a (namespace text, service text, since timestamptz)
  ), concerned as (
    select namespace, service, coalesce(a.since, $5::timestamptz) as since
    from (
      select namespace, service from ended where not lapsed
      union select namespace, service from anchor
    ) as named left join anchor a using (namespace, service)
  ), by_service as (
    select c.namespace, c.service,
      count(*) filter (where not l.lapsed or l.over_at > c.since) as "of",
      count(*) filter (where l.over_at <= $1::timestamptz and i.override is null
        and (not l.lapsed or l.over_at > c.since)) as silent,
      count(*) filter (where l.over_at <= $1::timestamptz and not l.lapsed) as pending,
      count(*) filter (where l.over_at <= $1::timestamptz and i.override is null
        and (not l.lapsed or l.over_at > $6::timestamptz)) as "silentOfAll"
    from concerned c
    cross join lateral (
      select s.id, s.override from service_instance s where s.namespace = c.namespace and s.service = c.service offset 0
    ) i
    join lease l on l.instance_id = i.id
    group by c.namespace, c.service
  ), total as (
    select count(*) filter (where not lapsed or over_at > $6::timestamptz) as "of",
      count(*) filter (where not lapsed and over_at <= $1::timestamptz) as pending,
      count(*) filter (where lapsed and over_at <= $1::timestamptz) as lapsed,
      count(*) filter (where renewed_at > (select $1::timestamptz + ${TOLERANCE})) as ahead,
      count(*) filter (where over_without_grace <= $1::timestamptz and over_at > $1::timestamptz) as graced,
      max(over_at) filter (where over_without_grace <= $1::timestamptz and over_at > $1::timestamptz) as graced_until
    from lease
  ), silent as (
    select count(*) as silent from ended where override is null and (not lapsed or over_at > $6::timestamptz)
  )
  select "of"::int, silent::int, pending::int, lapsed::int, ahead::int, graced::int, ${isoTime('graced_until')} as "gracedUntil",
    (select coalesce(jsonb_agg(by_service), '[]') from by_service) as services
  from total, silent`;

/**
 * What ends now, the longest over first: leases that nothing was done about, and instances whose time after it is over, or is
 * counted from a time that has not come. Of each service at most as many as it is allowed ($6), or else as all others are ($5).
 */
const FIND = `
  with ${LEASES}, candidate as (
    select i.id, i.namespace, i.service, o.over_at, o.lapsed
    from over o ${INSTANCE_OF_OVER}
    where not o.lapsed or (
      (i.check_terms ->> 'deregisterAfterSeconds')::int > 0 and i.override ->> 'status' is distinct from 'maintenance'
      and ((i.health ->> 'since')::timestamptz > $1::timestamptz + ${TOLERANCE}
        or (i.health ->> 'since')::timestamptz
          + make_interval(secs => (i.check_terms ->> 'deregisterAfterSeconds')::int) <= $1::timestamptz))
  ), ranked as (
    select *, row_number() over (partition by namespace, service order by over_at, id) as n from candidate
  )
  select r.id, r.namespace, r.service, r.lapsed, ${isoTime('r.over_at')} as "overAt"
  from ranked r
  left join jsonb_to_recordset($6) as s (namespace text, service text, allowed int) using (namespace, service)
  where case when s.namespace is null then $5::int is null or r.n <= $5 else s.allowed is null or r.n <= s.allowed end
  order by r.over_at, r.id limit $7`;

/**
 * Leases that were renewed at a time which has not come: the clock was set back since. They count from now, which is the most
 * that they may last. Those that had ended have ended, so long ago ($2) that no window counts them again. It never waits:
 * what a writing transaction or a renewal holds is left for the next time.
 */
const REDATE = `
  with ahead as (
    select instance_id from instance_lease where renewed_at > now() + ${TOLERANCE} limit $1 for update skip locked
  ), redated as (
    update instance_lease l set
      renewed_at = now() - case when l.lapsed
        then make_interval(secs => l.ttl_seconds + $2::float8 / 1000) else interval '0' end,
      checked_at = least(l.checked_at, now())
    from ahead where l.instance_id = ahead.instance_id
    returning 1
  )
  select count(*)::int as redated from redated`;

/** At which moment, and by which terms, leases are judged. */
export interface LeaseMoment {
  /** Database time, RFC 3339 in UTC. */
  readonly now: string;
  readonly allowance: LeaseAllowance;
}

/** Since when leases that ended count together; for guards that are active, since their own window. */
export interface CountWindows {
  readonly since: string;
  readonly sinceOfAll: string;
  readonly anchors: readonly { readonly namespace: string; readonly service: string; readonly since: string }[];
}

/** A lease that is over, and was or was not acted on. */
export interface EndedLease extends Candidate {
  /** Whether the instance is unhealthy for it already, so that it goes now. */
  readonly lapsed: boolean;
  readonly overAt: string;
}

export interface CountedLeases extends LeaseCounts {
  /** How many leases ended and were acted on: instances that may have to go. */
  readonly lapsed: number;
  /** How many were renewed at a time that has not come. */
  readonly ahead: number;
}

type CountRow = ScopeCount &
  Pick<CountedLeases, 'lapsed' | 'ahead' | 'graced' | 'gracedUntil'> & { readonly services: readonly ServiceCount[] };

/** Finds leases that are over, among all of them, without an index that every renewal would have to change. */
export class EndedLeasesRepository {
  async count(em: EntityManager, moment: LeaseMoment, windows: CountWindows): Promise<CountedLeases> {
    const [row] = await query<CountRow>(em, COUNT, [
      ...parametersOf(moment),
      windows.since,
      windows.sinceOfAll,
      JSON.stringify(windows.anchors),
    ]);
    const { of, silent, pending, ...rest } = row!;
    return { total: { of, silent, pending }, ...rest };
  }

  /**
   * Lets leases count from now that were renewed at a time which has not come.
   * @param limit so many at most
   * @param endedAgoMs how long ago (ms) those ended that nothing more is to be done about
   * @returns how many
   */
  async redate(em: EntityManager, limit: number, endedAgoMs: number): Promise<number> {
    const [row] = await query<{ redated: number }>(em, REDATE, [limit, endedAgoMs]);
    return row!.redated;
  }

  async find(em: EntityManager, moment: LeaseMoment, admission: Admission, limit: number): Promise<EndedLease[]> {
    const { others, services } = admission;
    return await query<EndedLease>(em, FIND, [...parametersOf(moment), others, JSON.stringify(services), limit]);
  }
}

const parametersOf = ({ now, allowance }: LeaseMoment) => [
  now,
  allowance.flushBoundMs,
  allowance.backSince,
  allowance.maxGraceMs,
];
