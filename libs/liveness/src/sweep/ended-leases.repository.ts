import { Injectable } from '@nestjs/common';
import { isoTime, query } from '@coordination/database';
import { AHEAD_TOLERANCE_MS, type LeaseAllowance, LONG_STALL_MS } from '@coordination/catalog';
import { leaseOverAt, stalledLeaseOverAt } from '@coordination/registry';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type Admission, type Candidate } from '../guard/admission.js';
import { type LeaseCounts, type ScopeCount, type ServiceCount } from '../guard/lease-counts.js';

/** How far a stored time may be ahead of the clock. */
const TOLERANCE = `interval '${AHEAD_TOLERANCE_MS} milliseconds'`;

/**
 * Leases at the moment $1. Only the narrow table is read as a whole; instances are looked up only for leases that have expired.
 * What stalls ($5) add is only computed where the lease would have expired without it.
 */
const LEASES = `
  stall as materialized (
    select "from" as since, until, ms from jsonb_to_recordset($5::jsonb) as s ("from" timestamptz, until timestamptz, ms float8)
  ), timed as (
    select l.*, ${leaseOverAt('$2', '$3', '$4')} as over_without_stalls, ${leaseOverAt('$2', 'null', '$4')} as over_without_grace
    from instance_lease l where l.ttl_seconds is not null
  ), lease as (
    select l.instance_id, l.lapsed, l.renewed_at, l.over_without_stalls, l.over_without_grace,
      case when $5::jsonb = '[]' or l.over_without_stalls > $1::timestamptz then l.over_without_stalls
        else greatest(l.over_without_stalls, ${stalledLeaseOverAt('$2', '$4', 'stall')}) end as over_at
    from timed l
  ), over as materialized (
    select instance_id, lapsed, over_at from lease where over_at <= $1::timestamptz
  )`;

/**
 * The instances of the expired leases `o`, one by one. The planner cannot know how few they are, and would read the whole
 * catalog once a second. OFFSET prevents that.
 */
const INSTANCE_OF_OVER = `
  cross join lateral (select * from service_instance s where s.id = o.instance_id offset 0) i`;

/** Leases that last only because the database was away. */
const IN_GRACE = 'over_without_grace <= $1::timestamptz and over_without_stalls > $1::timestamptz';

/** Leases that last only because of stalls, among them a long one. Short ones add so little that they are not reported. */
const IN_STALL_GRACE = `over_without_stalls <= $1::timestamptz and over_at > $1::timestamptz
        and renewed_at < (select max(until) from stall where ms >= ${LONG_STALL_MS})`;

/**
 * Counts leases in total, and of each service that has a guard ($8), or expired leases whose end has not been acted on.
 * 300,000 leases take about 0.4 s if none has expired, and 4 to 5 s if all have.
 */
const COUNT = `
  with ${LEASES}, ended as materialized (
    select o.lapsed, o.over_at, i.namespace, i.service, i.override from over o ${INSTANCE_OF_OVER}
  ), anchor as (
    select * from jsonb_to_recordset($8) as a (namespace text, service text, since timestamptz)
  ), concerned as (
    select namespace, service, coalesce(a.since, $6::timestamptz) as since
    from (
      select namespace, service from ended where not lapsed
      union select namespace, service from anchor
    ) as named left join anchor a using (namespace, service)
  ), by_service as (
    select c.namespace, c.service,
      count(*) filter (where not l.lapsed or l.over_at > c.since) as "of",
      count(*) filter (where l.over_at <= $1::timestamptz and i.override is null
        and (not l.lapsed or l.over_at > c.since)) as expired,
      count(*) filter (where l.over_at <= $1::timestamptz and not l.lapsed) as pending,
      count(*) filter (where l.over_at <= $1::timestamptz and i.override is null
        and (not l.lapsed or l.over_at > $7::timestamptz)) as "expiredInTotalWindow"
    from concerned c
    cross join lateral (
      select s.id, s.override from service_instance s where s.namespace = c.namespace and s.service = c.service offset 0
    ) i
    join lease l on l.instance_id = i.id
    group by c.namespace, c.service
  ), total as (
    select count(*) filter (where not lapsed or over_at > $7::timestamptz) as "of",
      count(*) filter (where not lapsed and over_at <= $1::timestamptz) as pending,
      count(*) filter (where lapsed and over_at <= $1::timestamptz) as lapsed,
      count(*) filter (where renewed_at > (select $1::timestamptz + ${TOLERANCE})) as ahead,
      count(*) filter (where ${IN_GRACE}) as in_grace, max(over_at) filter (where ${IN_GRACE}) as in_grace_until,
      count(*) filter (where ${IN_STALL_GRACE}) as in_stall_grace,
      max(over_at) filter (where ${IN_STALL_GRACE}) as in_stall_grace_until
    from lease
  ), expired as (
    select count(*) as expired from ended where override is null and (not lapsed or over_at > $7::timestamptz)
  )
  select "of"::int, expired::int, pending::int, lapsed::int, ahead::int, in_grace::int as "inGrace",
    ${isoTime('in_grace_until')} as "inGraceUntil", in_stall_grace::int as "inStallGrace",
    ${isoTime('in_stall_grace_until')} as "inStallGraceUntil",
    (select coalesce(jsonb_agg(by_service), '[]') from by_service) as services
  from total, expired`;

/**
 * What is due, the longest expired first: leases whose end has not been acted on, and instances whose time until
 * deregistration is over, or counts from a time in the future. Of each service at most as many as the guards allow ($7), or
 * else as they allow of each other service ($6).
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
  left join jsonb_to_recordset($7) as s (namespace text, service text, allowed int) using (namespace, service)
  where case when s.namespace is null then $6::int is null or r.n <= $6 else s.allowed is null or r.n <= s.allowed end
  order by r.over_at, r.id limit $8`;

/**
 * Corrects leases whose renewal has a time in the future, because the clock was set back since. They count from now, so that
 * none lasts longer than it may. Those whose end has been acted on stay expired, for so long ($2) that no window counts them
 * again. Rows that a writing transaction or a renewal has locked are skipped, and corrected the next time.
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

/** The moment for which leases are read, and how long they may last. */
export interface LeaseMoment {
  /** Database time, RFC 3339 in UTC. */
  readonly now: string;
  readonly allowance: LeaseAllowance;
}

/** The begin of the windows in which expired leases are counted together; active guards have windows of their own. */
export interface CountWindows {
  readonly since: string;
  readonly sinceOfAll: string;
  readonly anchors: readonly { readonly namespace: string; readonly service: string; readonly since: string }[];
}

/** An expired lease. */
export interface EndedLease extends Candidate {
  /** Whether its end has been acted on: the instance is unhealthy because of it, and is due to be deregistered. */
  readonly lapsed: boolean;
  readonly overAt: string;
}

export interface CountedLeases extends LeaseCounts {
  /** Expired leases whose end has been acted on: their instances may be due to be deregistered. */
  readonly lapsed: number;
  /** Leases whose renewal has a time in the future. */
  readonly ahead: number;
}

type CountRow = ScopeCount & Omit<CountedLeases, 'total' | 'services'> & { readonly services: readonly ServiceCount[] };

/** Finds expired leases among all leases, without an index, which every renewal would have to update. */
@Injectable()
export class EndedLeasesRepository {
  async count(em: EntityManager, moment: LeaseMoment, windows: CountWindows): Promise<CountedLeases> {
    const [row] = await query<CountRow>(em, COUNT, [
      ...parametersOf(moment),
      windows.since,
      windows.sinceOfAll,
      JSON.stringify(windows.anchors),
    ]);
    const { of, expired, pending, ...rest } = row!;
    return { total: { of, expired, pending }, ...rest };
  }

  /**
   * Makes leases whose renewal has a time in the future count from now.
   * @param limit the most leases that it changes
   * @param endedAgoMs how long ago (ms) leases whose end has been acted on are to have expired
   * @returns how many it has changed
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
  allowance.recoveringSince,
  allowance.maxGraceMs,
  JSON.stringify(allowance.stalls),
];
