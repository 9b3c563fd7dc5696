import { LOG_PARTITION_SIZE } from '@coordination/log';
import { type InstanceIdentity, INSTANCES, type Scope } from '@coordination/catalog';
import { type SearchOrder } from '../search/catalog-search.js';
import { FIELDS } from '../selection/expression.js';
import { Conditions, type Statement } from '../selection/selection-sql.js';

/** A walk over identities, in their order or against it. */
export interface Walk {
  readonly scope: Scope;
  readonly order: SearchOrder;
  /** The identity after which it continues; absent at the beginning. */
  readonly after: InstanceIdentity | undefined;
  /** How many identities it visits. */
  readonly count: number;
}

/**
 * Makes the planner use the index that the statements here are written for, whatever its statistics say: those of a growing
 * log are always outdated, and must not make a plan look cheap that reads and sorts all events of a service.
 */
export const PAST_SETTINGS = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_sort: 'off',
  enable_incremental_sort: 'off',
  jit: 'off',
} as const;

/**
 * The end of the partition of a revision. As a bound it excludes the partitions after it, and unlike the revision itself
 * it holds for all events in the others: a bound that does not would make a step of the walk read the later events one by
 * one.
 */
const partitionEnd = (revision: number): number => (Math.floor(revision / LOG_PARTITION_SIZE) + 1) * LOG_PARTITION_SIZE;

/** All retained events of instances: the log, and before it the baseline, whose rows are events too. */
const PAST_EVENTS = `(
    select namespace, service, instance_id, revision, after from service_event
    union all
    select namespace, service, instance_id, revision, after from catalog_baseline
  )`;

const IDENTITY = ['namespace', 'service', 'instance_id'] as const;

const columns = (of: string, names: readonly string[] = IDENTITY): string =>
  names.map(name => `${of}.${name}`).join(', ');

/**
 * `walk`: identities that have events in the log, each once, by a loose index scan: each step seeks the next one, whatever
 * the number of events in between. Some may have events after the revision only.
 */
export function walkedIdentities(conditions: Conditions, { scope, order, after, count }: Walk, at: number): string {
  const bind = (value: unknown) => conditions.bind(value);
  const isLater = order === 'asc' ? '>' : '<';
  const prefix = prefixOf(scope);
  const within = prefix.map((value, n) => `next.${IDENTITY[n]} = ${bind(value)}::text`).join(' and ') || 'true';
  const limits = `e.instance_id is not null and e.revision < ${bind(partitionEnd(at))}::bigint`;
  const next = (condition: string): string => `(
    select ${columns('e')} from ${PAST_EVENTS} e where ${condition} and ${limits}
    order by ${IDENTITY.map(name => `e.${name} ${order}`).join(', ')} limit 1) next`;
  const start = after
    ? `(${columns('e')}) ${isLater} (${nameOf(after)
        .map(text => `${bind(text)}::text`)
        .join(', ')})`
    : startOf(prefix, isLater, bind);
  return `
  with recursive walk as (
    select next.*, 1 as n from ${next(start)} where ${within}
    union all
    select next.*, walk.n + 1 from walk
      cross join lateral ${next(`(${columns('e')}) ${isLater} (${columns('walk')})`)}
    where walk.n < ${bind(count)}::int and ${within}
  )`;
}

/** `walk`: the given identities. */
export function givenIdentities(conditions: Conditions, identities: readonly InstanceIdentity[]): string {
  const rows = identities.map(nameOf);
  return `
  with walk as (
    select g.name ->> 0 as namespace, g.name ->> 1 as service, g.name ->> 2 as instance_id, g.n
    from jsonb_array_elements(${conditions.bind(JSON.stringify(rows))}::jsonb) with ordinality as g (name, n)
  )`;
}

/** The states of identities at a revision, in their order. */
export function statesAt(identities: readonly InstanceIdentity[], at: number): Statement {
  const values = new Conditions();
  return {
    text: `${givenIdentities(values, identities)}
      select s.after from walk ${newestEvent(values, 's', at)} order by walk.n`,
    parameters: values.parameters,
  };
}

/**
 * The newest event at or before a revision of each identity of `walk`; nulls where there is none. With all columns in the
 * comparison and the order, the only possible plan is one seek in each partition.
 */
export function newestEvent(conditions: Conditions, alias: string, at: number, condition = 'true'): string {
  const names = [...IDENTITY, 'revision'];
  return `left join lateral (
    select ${columns('e', names)}, e.after from ${PAST_EVENTS} e
    where (${columns('e', names)}) <= (${columns('walk')}, ${conditions.bind(at)}::bigint)
      and e.revision < ${conditions.bind(partitionEnd(at))}::bigint
    order by ${names.map(name => `e.${name} desc`).join(', ')} limit 1
  ) ${alias} on (${columns(alias)}) = (${columns('walk')}) and ${condition}`;
}

/** The columns that selections and orders use, without the identity, which events have as columns. */
const COLUMNS_OF_STATE = INSTANCES.only('id', ...FIELDS, 'metadata', 'registeredAt', 'updatedAt').without(
  'namespace',
  'service',
  'instanceId',
);

/** The state after an event `s` as a relation `i`, on which selections are conditions. */
export const STATE_AS_INSTANCE = `cross join lateral (
    select s.namespace, s.service, s.instance_id, ${COLUMNS_OF_STATE.fromJson('s.after')}
  ) i`;

/** The columns of `walk` as properties of an identity. */
export const WALKED = 'walk.namespace, walk.service, walk.instance_id as "instanceId"';

export const nameOf = ({ namespace, service, instanceId }: InstanceIdentity): [string, string, string] => [
  namespace,
  service,
  instanceId,
];

/** The part of identities that all in a scope have in common. */
const prefixOf = ({ namespace, service }: Scope): readonly string[] =>
  namespace === null ? [] : service === null ? [namespace] : [namespace, service];

function startOf(prefix: readonly string[], isLater: '>' | '<', bind: (value: unknown) => string): string {
  // Events that are not about an instance have no namespace.
  if (prefix.length === 0) return 'e.namespace is not null';
  const names = IDENTITY.slice(0, prefix.length);
  return `(${columns('e', names)}) ${isLater}= (${prefix.map(value => `${bind(value)}::text`).join(', ')})`;
}

/** The last revision that touched a service, at or before a revision; no row: it had no instance until then. */
export const lastTouch = (namespace: string, service: string, at: number): Statement => ({
  text: `
  select last.revision::float8 as revision from (
    select e.namespace, e.service, e.revision from ${PAST_EVENTS} e
    where (e.namespace, e.service, e.revision) <= ($1::text, $2::text, $3::bigint) and e.revision < $4::bigint
    order by e.namespace desc, e.service desc, e.revision desc limit 1
  ) last where last.namespace = $1::text and last.service = $2::text`,
  parameters: [namespace, service, at, partitionEnd(at)],
});
