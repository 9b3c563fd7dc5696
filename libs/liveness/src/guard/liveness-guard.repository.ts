import { Injectable } from '@nestjs/common';
import { columnsOf, query } from '@coordination/database';
import { AHEAD_TOLERANCE_MS } from '@coordination/catalog';
import { type RoleTerm } from '@coordination/leadership';
import { type EntityManager } from '@mikro-orm/postgresql';
import {
  type GuardOverride,
  type GuardScope,
  type GuardState,
  type NamedScope,
  toNamed,
  toScope,
} from './guard-state.js';
import { LivenessGuard } from './liveness-guard.entity.js';
import { LivenessOrder } from './liveness-order.entity.js';
import { findProbeGuards } from './probe-guards/probe-guard.repository.js';

const STATES = columnsOf(LivenessGuard);
const ORDERS = columnsOf(LivenessOrder);

const FIND_STATES = `
  select ${STATES.select()} from liveness_guard order by namespace, service`;

/** Only the holder of the role saves; a node that has lost it changes nothing. */
const SAVE_STATES = `
  insert into liveness_guard (${STATES.names()})
  select ${STATES.values('s')}
  from jsonb_to_recordset($1) as s (${STATES.form()})
  where exists (
    select from node_role where role = $2 and holder = $3 and term = $4 and expires_at > statement_timestamp())
  on conflict (namespace, service) do update set ${STATES.without('namespace', 'service').excludedAssignments()}`;

const REMOVE_STATE = 'delete from liveness_guard where namespace = $1 and service = $2';

const FIND_ORDERS = `
  select ${ORDERS.select()} from liveness_order`;

/**
 * Deletes old overrides, too. They are kept for two days after their end, because an `end` over all also ends the longer time
 * of leases after an outage.
 */
const PUT_ORDER = `
  with gone as (
    delete from liveness_order
    where until < now() - interval '2 days' and (namespace, service) is distinct from ($1::text, $2::text)
  )
  insert into liveness_order (${ORDERS.names()})
  values (${ORDERS.values(undefined, {
    namespace: '$1',
    service: '$2',
    kind: '$3',
    orderedAt: "date_trunc('milliseconds', statement_timestamp())",
    until: 'coalesce($4::timestamptz, statement_timestamp() + make_interval(secs => $5::float8 / 1000))',
    reason: '$6',
    orderedBy: '$7',
  })})
  on conflict (namespace, service) do update set ${ORDERS.without('namespace', 'service').excludedAssignments()}`;

/**
 * An `end` lasts for one window. With a time in the future it cannot be known how much of that is left, so it is dropped: a
 * guard that holds too long does less harm than many leases that end at once. The end of a `force` is an absolute time and stays.
 */
const REDATE_OVERRIDES = `
  with ahead as (
    select namespace, service, kind from liveness_order
    where ordered_at > statement_timestamp() + interval '${AHEAD_TOLERANCE_MS} milliseconds'
  ), dropped as (
    delete from liveness_order o using ahead a
    where a.kind = 'end' and (o.namespace, o.service) = (a.namespace, a.service)
  ), redated as (
    update liveness_order o set ordered_at = date_trunc('milliseconds', statement_timestamp())
    from ahead a where a.kind = 'force' and (o.namespace, o.service) = (a.namespace, a.service)
  )
  select count(*)::int as redated from ahead`;

type Row<T> = Omit<T, 'scope' | 'active'> & NamedScope;

/** An override to be stored; the database adds the time. */
export interface NewGuardOverride extends Pick<GuardOverride, 'scope' | 'kind' | 'reason' | 'orderedBy'> {
  /** Until when it is in force: a time (RFC 3339), or so many ms from now on by the clock of the database. */
  readonly until: string | number;
}

/** Stores active guards, and operators' overrides of them. */
@Injectable()
export class LivenessGuardRepository {
  /** The guards over leases. */
  async findStates(em: EntityManager): Promise<GuardState[]> {
    const rows = await query<Row<GuardState>>(em, FIND_STATES);
    return rows.map(({ namespace, service, ...state }) => ({
      active: true,
      scope: toScope({ namespace, service }),
      ...state,
    }));
  }

  /** The guards over leases, and those by which nodes hold failures of probes. */
  async findAll(em: EntityManager): Promise<GuardState[]> {
    const ofLeases = await this.findStates(em);
    return [...ofLeases, ...(await findProbeGuards(em))];
  }

  /** Stores guards as they are now; other guards stay as they are. */
  async saveStates(em: EntityManager, states: readonly GuardState[], { role, holder, term }: RoleTerm): Promise<void> {
    const rows = states.map(({ scope, ...state }) => ({ ...toNamed(scope), ...state }));
    await query(em, SAVE_STATES, [JSON.stringify(rows), role, holder, term]);
  }

  async removeState(em: EntityManager, scope: GuardScope): Promise<void> {
    const { namespace, service } = toNamed(scope);
    await query(em, REMOVE_STATE, [namespace, service]);
  }

  async findOverrides(em: EntityManager): Promise<GuardOverride[]> {
    const rows = await query<Row<GuardOverride>>(em, FIND_ORDERS);
    return rows.map(({ namespace, service, ...override }) => ({ scope: toScope({ namespace, service }), ...override }));
  }

  /**
   * Corrects overrides with a time in the future, which the database clock wrote before it was set back: a `force` counts from
   * now, an `end` is dropped.
   * @returns how many there were
   */
  async redateOverrides(em: EntityManager): Promise<number> {
    const [row] = await query<{ redated: number }>(em, REDATE_OVERRIDES);
    return row!.redated;
  }

  /** Replaces the override of a scope. */
  async putOverride(em: EntityManager, { scope, kind, until, reason, orderedBy }: NewGuardOverride): Promise<void> {
    const { namespace, service } = toNamed(scope);
    const [at, inMs] = typeof until === 'string' ? [until, null] : [null, until];
    await query(em, PUT_ORDER, [namespace, service, kind, at, inMs, reason, orderedBy]);
  }
}
