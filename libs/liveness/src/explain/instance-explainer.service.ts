import { Inject, Injectable } from '@nestjs/common';
import { AuditQuery, type EventQuery } from '@coordination/audit';
import { type InstanceRecord } from '@coordination/catalog';
import { InstanceNotFoundError } from '@coordination/kernel';
import { eventsOfInstance, type LogEvent, type LogHead, type InstanceRef } from '@coordination/log';
import { describeTarget, type Target } from '@coordination/registry';
import { GuardSet } from '../guard/guard-state.js';
import { ProbeOverview } from '../probes/probe-overview.js';
import { explain, type Explanation } from './explanation.js';
import { explainGone } from './gone.js';
import { SituationReader } from './situation-reader.js';

/** How many of an instance's newest events are searched for the one that made its status. */
const EVENTS = 20;

/**
 * Explains why an instance has its status, by what the database has about it at one moment; for an instance that was removed,
 * by what the log has about it.
 */
@Injectable()
export class InstanceExplainer {
  constructor(
    private readonly situations: SituationReader,
    @Inject(AuditQuery) private readonly audit: Pick<AuditQuery, 'list' | 'assertKnown'>,
    @Inject(ProbeOverview) private readonly probes: Pick<ProbeOverview, 'nodeOf'>,
  ) {}

  /**
   * @throws InstanceNeverKnownError when there is no such instance, and the log has no event of one
   * @throws RevisionCompactedError when it was removed before the retained part of the log
   * @throws StoreUnavailableError
   */
  async explainOrFail(target: Target): Promise<{ readonly explanation: Explanation; readonly head: LogHead }> {
    const { leased, head, guards, probeGuards, ...situation } = await this.situations.read(target);
    if (!leased) return { explanation: await this.explainGone(target, head, situation.now), head };
    const { namespace, service, id } = leased.instance;
    const probedBy = this.probes.nodeOf(id);
    const items = await this.newestOf({ instance: id });
    const explanation = explain({
      ...situation,
      leased,
      probedBy,
      guard: guards.of(namespace, service),
      probeGuard: new GuardSet(probeGuards.filter(({ node }) => node === probedBy)).of(namespace, service),
      // Without events that were appended since the snapshot.
      events: items.filter(({ revision }) => revision <= head.revision),
    });
    return { explanation, head };
  }

  /** The instance does not exist at the head: its last event up to there, if there is one, is its removal. */
  private async explainGone(target: Target, head: LogHead, now: string): Promise<Explanation> {
    const past: InstanceRef = 'id' in target ? target : { name: target.identity };
    const [removal, ...earlier] = await this.newestOf({ ...eventsOfInstance(past), beforeRevision: head.revision + 1 });
    if (!removal) await this.audit.assertKnown(past);
    if (!removal || removal.after !== null) throw new InstanceNotFoundError(describeTarget(target));
    const { id } = removal.before as InstanceRecord;
    return explainGone({
      removal,
      // Without events of other instances that had the name before.
      earlier: earlier.filter(({ instanceUuid }) => instanceUuid === id),
      successor: await this.situations.holderOf(removal.before as InstanceRecord),
      now,
    });
  }

  /** The newest events that a filter selects. Pages may be empty although there are further events. */
  private async newestOf(filter: EventQuery['filter']): Promise<readonly LogEvent[]> {
    let cursor: string | undefined;
    do {
      const page = await this.audit.list({ filter, order: 'desc', limit: EVENTS, cursor });
      if (page.items.length > 0) return page.items;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return [];
  }
}
