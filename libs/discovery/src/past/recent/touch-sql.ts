import { type Statement } from '../../selection/selection-sql.js';

/** A service, and the revisions after one up to another. */
export interface TouchQuery {
  readonly namespace: string;
  readonly service: string;
  readonly after: number;
  readonly upTo: number;
}

/** An instance that events touched in a span, and the first of those events. */
export interface FirstTouch {
  readonly instanceId: string;
  readonly revision: number;
  /** How many events of the span touched it. */
  readonly touches: number;
}

/**
 * The first events of the instances of a service in a span, of at most `limit` events. The comparison with all columns of the
 * index of services leaves the planner no other plan, whatever its statistics say (see `PAST_SETTINGS`).
 */
export const firstTouches = ({ namespace, service, after, upTo }: TouchQuery, limit: number): Statement => ({
  text: `
    select instance_id as "instanceId", min(revision)::float8 as revision, count(*)::int as touches from (
      select e.instance_id, e.revision from service_event e
      where (e.namespace, e.service, e.revision) > ($1::text, $2::text, $3::bigint)
        and (e.namespace, e.service, e.revision) <= ($1::text, $2::text, $4::bigint)
        and e.revision > $3::bigint and e.revision <= $4::bigint
      order by e.namespace, e.service, e.revision limit $5::int
    ) touched where instance_id is not null group by instance_id`,
  parameters: [namespace, service, after, upTo, limit],
});

/** What the instances were before the events of these revisions, in the order of the revisions. */
export const statesBefore = (revisions: readonly number[]): Statement => ({
  text: `
    select e.before from unnest($1::bigint[]) with ordinality as wanted (revision, n)
      join service_event e on e.revision = wanted.revision order by wanted.n`,
  parameters: [revisions],
});

/** Whether the log has the event of a revision with this hash. */
export const hasEvent = (revision: number, hash: string): Statement => ({
  text: 'select exists (select from service_event where revision = $1::bigint and hash = $2) as found',
  parameters: [revision, hash],
});
