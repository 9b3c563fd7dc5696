import { columnsOf, query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type GuardState, type NamedScope, toNamed, toScope } from '../guard-state.js';
import { ProbeGuardRow } from './probe-guard.entity.js';

const ROWS = columnsOf(ProbeGuardRow);
const STATES = ROWS.without('seenAt');

/** A node confirms its guards once a second; guards that it has not confirmed for so long no longer count. */
const SEEN_WITHIN = `interval '15 seconds'`;

const FIND = `
  select ${STATES.select()} from probe_guard
  where seen_at > statement_timestamp() - ${SEEN_WITHIN}
  order by namespace, service, node`;

const FIND_OF_NODE = `
  select ${STATES.select()} from probe_guard where node = $1`;

const FIND_ABANDONED = `
  select ${STATES.select()} from probe_guard
  where seen_at <= statement_timestamp() - ${SEEN_WITHIN}
  order by node, namespace, service`;

const REMOVE = 'delete from probe_guard where node = $1 and namespace = $2 and service = $3';

/** Replaces all guards of a node. */
const SAVE = `
  with state as (
    select * from jsonb_to_recordset($2) as s (${STATES.form()})
  ), gone as (
    delete from probe_guard g
    where g.node = $1 and (g.namespace, g.service) not in (select s.namespace, s.service from state s)
  )
  insert into probe_guard (${ROWS.names()})
  select ${ROWS.values('s', { seenAt: 'statement_timestamp()' })} from state s
  on conflict (node, namespace, service) do update set
    ${ROWS.without('node', 'namespace', 'service').excludedAssignments()}`;

type Row = Omit<GuardState, 'scope' | 'active' | 'detail'> & NamedScope;

/** The guards by which live nodes hold failures of probes. */
export const findProbeGuards = (em: EntityManager): Promise<GuardState[]> => find(em, FIND);

/** The stored guards of a node, also those that it has not confirmed for long. */
export const findProbeGuardsOf = (em: EntityManager, node: string): Promise<GuardState[]> =>
  find(em, FIND_OF_NODE, [node]);

/** Guards that their nodes do not confirm any more, and have not ended: the nodes are dead, or have no database. */
export const findAbandonedProbeGuards = (em: EntityManager): Promise<GuardState[]> => find(em, FIND_ABANDONED);

/** Removes a guard, whether or not its node confirms it. */
export async function removeProbeGuard(em: EntityManager, { node, scope }: GuardState): Promise<void> {
  const { namespace, service } = toNamed(scope);
  await query(em, REMOVE, [node, namespace, service]);
}

async function find(em: EntityManager, text: string, values: readonly unknown[] = []): Promise<GuardState[]> {
  const rows = await query<Row>(em, text, values);
  return rows.map(({ namespace, service, ...state }) => ({
    active: true,
    scope: toScope({ namespace, service }),
    detail: null,
    ...state,
  }));
}

/** Stores all guards of a node as they are now; others that it had are removed. */
export async function saveProbeGuards(em: EntityManager, node: string, states: readonly GuardState[]): Promise<void> {
  const rows = states.map(({ scope, ...state }) => ({ ...state, ...toNamed(scope), node }));
  await query(em, SAVE, [node, JSON.stringify(rows)]);
}
