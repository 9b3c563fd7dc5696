import { type AuditQuery, type CatalogHeadRepository, type LogHead } from '@coordination/audit';
import { type Databases, isoTime, query, read } from '@coordination/database';
import { InstanceNotFoundError } from '@coordination/kernel';
import {
  identityKey,
  type LeaseAllowance,
  type NodeRoleRepository,
  type ServiceInstanceRepository,
  type Target,
} from '@coordination/registry';
import { type EntityManager } from '@mikro-orm/postgresql';
import { backSinceBy } from '../guard/back-since.js';
import { type GuardState, scopeKey } from '../guard/guard-state.js';
import { type LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { type ProbeOverview } from '../probes/probe-overview.js';
import { SWEEPER_ROLE } from '../sweep/sweeper.job.js';
import { explain, type Explanation } from './explanation.js';

/** So many of an instance's newest events are looked through for the one that made its status. */
const EVENTS = 20;

const NOW = `select ${isoTime('statement_timestamp()')} as now`;

export interface InstanceExplainerTools {
  readonly databases: Databases;
  readonly heads: CatalogHeadRepository;
  readonly instances: ServiceInstanceRepository;
  readonly roles: NodeRoleRepository;
  readonly guards: LivenessGuardRepository;
  readonly audit: AuditQuery;
  readonly probes: Pick<ProbeOverview, 'whoProbes'>;
  /** How leases are judged, but for what the database knows. */
  readonly allowance: Omit<LeaseAllowance, 'backSince'>;
}

/** Tells why instances have the status that they have, by what the database knows of them at one moment. */
export class InstanceExplainer {
  constructor(private readonly tools: InstanceExplainerTools) {}

  /** @throws InstanceNotFoundError, StoreUnavailableError */
  async explainOrFail(target: Target): Promise<{ readonly explanation: Explanation; readonly head: LogHead }> {
    const { leased, head, ...found } = await read(this.tools.databases, em => this.find(em, target));
    if (!leased) throw new InstanceNotFoundError('id' in target ? `id ${target.id}` : identityKey(target.identity));
    const { namespace, service, id } = leased.instance;
    const { items } = await this.tools.audit.list({ filter: { instance: id }, order: 'desc', limit: EVENTS });
    const explanation = explain({
      ...found,
      leased,
      probedBy: this.tools.probes.whoProbes(id),
      guard: guardOf(found.states, namespace, service),
      // The log may have gone on since.
      events: items.filter(({ revision }) => revision <= head.revision),
    });
    return { explanation, head };
  }

  private async find(em: EntityManager, target: Target) {
    const { heads, instances, roles, guards, allowance } = this.tools;
    const head = await heads.read(em);
    const leased = await instances.find(em, target);
    const sweeper = await roles.find(em, SWEEPER_ROLE);
    const states = await guards.findStates(em);
    const orders = await guards.findOrders(em);
    const [row] = await query<{ now: string }>(em, NOW);
    const backSince = sweeper ? backSinceBy(sweeper.backSince, orders) : null;
    return { head, leased, sweeper, states, now: row!.now, allowance: { ...allowance, backSince } };
  }
}

/** What keeps a service as it is: its own guard, or else the one over all. */
function guardOf(states: readonly GuardState[], namespace: string, service: string): GuardState | undefined {
  const of = (key: string) => states.find(({ scope }) => scopeKey(scope) === key);
  return of(scopeKey({ kind: 'service', namespace, service })) ?? of(scopeKey({ kind: 'all' }));
}
