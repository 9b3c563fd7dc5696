import { type CatalogView, type InstanceRecord } from '@coordination/catalog';
import { type RoleElector } from '@coordination/leadership';
import { type GuardState } from '../guard/guard-state.js';
import {
  type LeaseOverview,
  type LivenessOverview,
  type LivenessOverviewReader,
  SOON_SECONDS,
} from '../sweep/liveness-overview.service.js';
import { NODE_NAMESPACE, NODE_SERVICE } from '../nodes/node-service.js';
import { type NodeShare, type ProbeOverview, type ProbeQueue } from '../probes/probe-overview.js';

/** How liveness stands, as it is told. */
export interface LivenessReported {
  readonly at: string;
  readonly leases: LeaseOverview & { readonly soonSeconds: number };
  readonly sweeper: ReturnType<typeof toSweeper>;
  readonly backSince: string | null;
  readonly guards: readonly GuardState[];
  /** What this node probes, and how instances are shared out among the nodes that live. */
  readonly probes: { readonly thisNode: ProbeQueue; readonly byNode: readonly NodeShare[] };
  readonly nodes: readonly Pick<InstanceRecord, 'id' | 'instanceId' | 'host' | 'port' | 'status'>[];
}

export interface LivenessReportTools {
  readonly reader: LivenessOverviewReader;
  readonly view: Pick<CatalogView, 'instancesOf'>;
  readonly elector: Pick<RoleElector, 'term'>;
  readonly probes: Pick<ProbeOverview, 'queue' | 'nodes'>;
}

/** Tells how liveness stands. All who ask while the leases are being counted get the same count. */
export class LivenessReport {
  private counting: Promise<LivenessOverview> | undefined;

  constructor(private readonly tools: LivenessReportTools) {}

  /** @throws StoreUnavailableError */
  async read(): Promise<LivenessReported> {
    this.counting ??= this.tools.reader.read().finally(() => (this.counting = undefined));
    const overview = await this.counting;
    const { at, leases, sweeper, guards } = overview;
    const { probes } = this.tools;
    const nodes = [...this.tools.view.instancesOf(NODE_NAMESPACE, NODE_SERVICE).values()]
      .map(({ id, instanceId, host, port, status }) => ({ id, instanceId, host, port, status }))
      .toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
    return {
      at,
      leases: { ...leases, soonSeconds: SOON_SECONDS },
      sweeper: toSweeper(sweeper, this.tools.elector.term?.term),
      backSince: sweeper?.backSince ?? null,
      guards,
      probes: { thisNode: probes.queue(), byNode: probes.nodes() },
      nodes,
    };
  }
}

/** @param ownTerm the term of this node in the role, if it has it */
function toSweeper(sweeper: LivenessOverview['sweeper'], ownTerm: number | undefined) {
  if (!sweeper) return null;
  const { holder, term, expiresAt, workedAt } = sweeper;
  return { node: holder, isThisNode: term === ownTerm, term, until: expiresAt, lastSweepAt: workedAt };
}
