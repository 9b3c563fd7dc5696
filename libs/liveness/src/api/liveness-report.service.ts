import { Inject, Injectable } from '@nestjs/common';
import { CatalogView, type InstanceRecord } from '@coordination/catalog';
import { RoleElector } from '@coordination/leadership';
import { type GuardState } from '../guard/guard-state.js';
import {
  type LeaseOverview,
  type LivenessOverview,
  LivenessOverviewReader,
  SOON_SECONDS,
} from '../sweep/liveness-overview.service.js';
import { NODE_NAMESPACE, NODE_SERVICE } from '../nodes/node-service.js';
import { type NodeShare, ProbeOverview, type ProbeQueue } from '../probes/probe-overview.js';

/** A stall of the node that ends leases. */
export interface ReportedStall {
  readonly from: string;
  readonly until: string;
  readonly seconds: number;
}

/** The liveness overview, as the API returns it. */
export interface LivenessReported {
  readonly at: string;
  readonly leases: LeaseOverview & { readonly soonSeconds: number };
  readonly sweeper: ReturnType<typeof toSweeper>;
  /** When nodes could reach the database again after the last outage. */
  readonly recoveringSince: string | null;
  /** The last stalls of the node that ends leases, by which leases last longer, the oldest first. */
  readonly stalls: readonly ReportedStall[];
  readonly guards: readonly GuardState[];
  /** The probes of this node, and how many instances each live node probes. */
  readonly probes: { readonly thisNode: ProbeQueue; readonly byNode: readonly NodeShare[] };
  readonly nodes: readonly Pick<InstanceRecord, 'id' | 'instanceId' | 'host' | 'port' | 'status'>[];
}

/** Reports the liveness overview. Requests that come while leases are being counted share the result of that count. */
@Injectable()
export class LivenessReport {
  private counting: Promise<LivenessOverview> | undefined;

  constructor(
    private readonly reader: LivenessOverviewReader,
    @Inject(CatalogView) private readonly view: Pick<CatalogView, 'instancesOf'>,
    @Inject(RoleElector) private readonly elector: Pick<RoleElector, 'term'>,
    @Inject(ProbeOverview) private readonly probes: Pick<ProbeOverview, 'queue' | 'nodes'>,
  ) {}

  /** @throws StoreUnavailableError */
  async read(): Promise<LivenessReported> {
    this.counting ??= this.reader.read().finally(() => (this.counting = undefined));
    const overview = await this.counting;
    const { at, leases, sweeper, guards } = overview;
    const { probes } = this;
    const nodes = [...this.view.instancesOf(NODE_NAMESPACE, NODE_SERVICE).values()]
      .map(({ id, instanceId, host, port, status }) => ({ id, instanceId, host, port, status }))
      .toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
    return {
      at,
      leases: { ...leases, soonSeconds: SOON_SECONDS },
      sweeper: toSweeper(sweeper, this.elector.term?.term),
      recoveringSince: sweeper?.backSince ?? null,
      stalls: (sweeper?.stalls ?? []).map(({ from, until, ms }) => ({ from, until, seconds: ms / 1_000 })),
      guards,
      probes: { thisNode: probes.queue(), byNode: probes.nodes() },
      nodes,
    };
  }
}

/** @param ownTerm the term of this node in the role, if it holds it */
function toSweeper(sweeper: LivenessOverview['sweeper'], ownTerm: number | undefined) {
  if (!sweeper) return null;
  const { holder, term, expiresAt, workedAt } = sweeper;
  return { node: holder, isThisNode: term === ownTerm, term, until: expiresAt, lastSweepAt: workedAt };
}
