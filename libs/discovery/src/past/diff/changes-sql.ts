import { type InstanceIdentity, type Scope } from '@coordination/catalog';
import { Conditions, type Statement } from '../../selection/selection-sql.js';
import { givenIdentities, nameOf, newestEvent, WALKED, walkedIdentities } from '../past-sql.js';

/** Which changes to find: those after one revision, up to and including another. */
export interface ChangesQuery {
  readonly scope: Scope;
  readonly from: number;
  readonly to: number;
  /** The identity after which to continue; absent at the beginning. */
  readonly after: InstanceIdentity | undefined;
}

/**
 * The next identities that have events in a span. It reads all events of the span, which must be short, and sorts them
 * afterwards, so that the planner does not read a whole index for its order.
 */
export function touchedIdentities({ scope, from, to, after }: ChangesQuery, count: number): Statement {
  const conditions = new Conditions().add('e.revision > $::bigint', from).add('e.revision <= $::bigint', to);
  conditions.addBound('e.instance_id is not null');
  if (scope.namespace !== null) conditions.add('e.namespace = $', scope.namespace);
  if (scope.service !== null) conditions.add('e.service = $', scope.service);
  const position = after && nameOf(after).map(text => `${conditions.bind(text)}::text`);
  return {
    text: `
      with span as materialized (
        select e.namespace, e.service, e.instance_id from service_event e ${conditions.where}
      )
      select distinct namespace, service, instance_id as "instanceId", true as "isTouched" from span
      ${position ? `where (namespace, service, instance_id) > (${position.join(', ')})` : ''}
      order by namespace, service, instance_id limit ${conditions.bind(count)}`,
    parameters: conditions.parameters,
  };
}

/** The next of all identities that ever were, and whether each has an event in a span of any length. */
export function visitedIdentities({ scope, from, to, after }: ChangesQuery, count: number): Statement {
  const values = new Conditions();
  const walk = walkedIdentities(values, { scope, order: 'asc', after, count }, to);
  const isInScope =
    scope.namespace === null && scope.service !== null ? `walk.service = ${values.bind(scope.service)}` : 'true';
  return {
    text: `${walk}
      select ${WALKED}, coalesce(s.revision > ${values.bind(from)}::bigint, false) and ${isInScope} as "isTouched"
      from walk ${newestEvent(values, 's', to)} order by walk.n`,
    parameters: values.parameters,
  };
}

/** The states of identities at the two revisions, in their order. */
export function statesOf(identities: readonly InstanceIdentity[], { from, to }: ChangesQuery): Statement {
  const values = new Conditions();
  return {
    text: `${givenIdentities(values, identities)}
      select earlier.after as before, later.after as after
      from walk ${newestEvent(values, 'earlier', from)} ${newestEvent(values, 'later', to)} order by walk.n`,
    parameters: values.parameters,
  };
}
