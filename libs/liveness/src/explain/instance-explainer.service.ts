import {
  type LogEvent,
  type CatalogHeadRepository,
  eventsOfPast,
  type LogHead,
  type NamedPast,
} from '@coordination/log';
import { type AuditQuery, type EventQuery } from '@coordination/audit';
import { type Databases, isoTime, query, readSnapshot } from '@coordination/database';
import { InstanceNotFoundError } from '@coordination/kernel';
import { identityKey, identityOf, type InstanceRecord, type LeaseAllowance } from '@coordination/catalog';
import { type NodeRoleRepository } from '@coordination/leadership';
import { type ServiceInstanceRepository, type Target } from '@coordination/registry';
import { type EntityManager } from '@mikro-orm/postgresql';
import { backSinceBy } from '../guard/outage-recovery.js';
import { type GuardState, scopeKey } from '../guard/guard-state.js';
import { type LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { type ProbeOverview } from '../probes/probe-overview.js';
import { SWEEPER_ROLE } from '../sweep/sweeper.job.js';
import { explain, type Explanation } from './explanation.js';
import { explainGone } from './gone.js';

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

/**
 * Tells why instances have the status that they have, by what the database knows of them at one moment, and what became
 * of those that are gone, by what the log has of them.
 */
export class InstanceExplainer {
  constructor(private readonly tools: InstanceExplainerTools) {}

  /**
   * @throws InstanceNeverKnownError when there is no such instance, and the log has nothing of one
   * @throws RevisionCompactedError when it was gone before what is retained of the log
   * @throws StoreUnavailableError
   */
  async explainOrFail(target: Target): Promise<{ readonly explanation: Explanation; readonly head: LogHead }> {
    const { leased, head, ...found } = await readSnapshot(this.tools.databases, em => this.find(em, target));
    if (!leased) return { explanation: await this.explainGone(target, head, found.now), head };
    const { namespace, service, id } = leased.instance;
    const items = await this.newestOf({ instance: id });
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

  /** The instance was not there at the head: its last event up to there, if there is one, is its removal. */
  private async explainGone(target: Target, head: LogHead, now: string): Promise<Explanation> {
    const past: NamedPast = 'id' in target ? target : { name: target.identity };
    const [removal, ...earlier] = await this.newestOf({ ...eventsOfPast(past), beforeRevision: head.revision + 1 });
    if (!removal) await this.tools.audit.assertKnown(past);
    if (!removal || removal.after !== null) {
      throw new InstanceNotFoundError('id' in target ? `id ${target.id}` : identityKey(target.identity));
    }
    const { id } = removal.before as InstanceRecord;
    return explainGone({
      removal,
      // Others had the name before.
      earlier: earlier.filter(({ instanceUuid }) => instanceUuid === id),
      successor: await this.presentHolder(removal.before as InstanceRecord),
      now,
    });
  }

  /** The newest events that a filter selects. Pages may be empty although there are more. */
  private async newestOf(filter: EventQuery['filter']): Promise<readonly LogEvent[]> {
    let cursor: string | undefined;
    do {
      const page = await this.tools.audit.list({ filter, order: 'desc', limit: EVENTS, cursor });
      if (page.items.length > 0) return page.items;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return [];
  }

  private async presentHolder(gone: InstanceRecord): Promise<InstanceRecord | undefined> {
    const { databases, instances } = this.tools;
    const identity = identityOf(gone);
    return (await readSnapshot(databases, em => instances.find(em, { identity })))?.instance;
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
