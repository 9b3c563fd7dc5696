import { type InstanceIdentity } from '@coordination/catalog';
import { Conditions, type Statement } from '../../selection/selection-sql.js';
import { givenIdentities, nameOf, newestEvent, type PastScope, WALKED, walkedIdentities } from '../past-sql.js';

/** Where changes are looked for: between two revisions, the second of which counts. */
export interface ChangesQuestion {
  readonly scope: PastScope;
  readonly from: number;
  readonly to: number;
  /** The identity after which to go on; absent at the beginning. */
  readonly after: InstanceIdentity | undefined;
}

/**
 * The next identities that the events of a span speak of. It reads all of them, so the span must be short. They are put
 * into order afterwards, lest the planner read a whole index for its order.
 */
export function touchedIdentities({ scope, from, to, after }: ChangesQuestion, count: number): Statement {
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

/** The next identities that there ever were, and whether an event of a span of any length speaks of each. */
export function visitedIdentities({ scope, from, to, after }: ChangesQuestion, count: number): Statement {
  const values = new Conditions();
  const walk = walkedIdentities(values, { scope, order: 'asc', after, count }, to);
  const isAsked =
    scope.namespace === null && scope.service !== null ? `walk.service = ${values.bind(scope.service)}` : 'true';
  return {
    text: `${walk}
      select ${WALKED}, coalesce(s.revision > ${values.bind(from)}::bigint, false) and ${isAsked} as "isTouched"
      from walk ${newestEvent(values, 's', to)} order by walk.n`,
    parameters: values.parameters,
  };
}

/** What each of some identities was at the two revisions, in their order. */
export function statesOf(identities: readonly InstanceIdentity[], { from, to }: ChangesQuestion): Statement {
  const values = new Conditions();
  return {
    text: `${givenIdentities(values, identities)}
      select earlier.after as before, later.after as after
      from walk ${newestEvent(values, 'earlier', from)} ${newestEvent(values, 'later', to)} order by walk.n`,
    parameters: values.parameters,
  };
}
