import { Injectable } from '@nestjs/common';
import { type NodeFault } from '@coordination/catalog';
import { ProbeScheduler } from './schedule/probe-scheduler.js';
import { ProbeShares } from './share/probe-shares.js';

/** The queue of probes of this node. */
export interface ProbeQueue {
  /** Instances that this node probes. */
  readonly owned: number;
  readonly inFlight: number;
  /** Probes that are due and wait for others to end. */
  readonly waiting: number;
  /** How long (s) the probe that has waited longest has been due. */
  readonly lateSeconds: number;
  /** Waiting probes that have been due for longer than a second. */
  readonly overdue: number;
  /** Instances whose last probe did not count, by what this node lacked. */
  readonly notCounted: readonly { readonly reason: NodeFault; readonly count: number }[];
}

/** A node and how many instances it probes. */
export interface NodeShare {
  readonly nodeId: string;
  readonly owned: number;
}

/** Describes the probes of this node, and how the probed instances are distributed over the nodes. */
@Injectable()
export class ProbeOverview {
  constructor(
    private readonly scheduler: ProbeScheduler,
    private readonly shares: ProbeShares,
  ) {}

  /** The queue of this node. */
  queue(): ProbeQueue {
    const { size, inFlight, waiting, lateSeconds, overdue, notCounted } = this.scheduler;
    return {
      owned: size,
      inFlight,
      waiting,
      lateSeconds,
      overdue,
      notCounted: [...notCounted].map(([reason, count]) => ({ reason, count })),
    };
  }

  /** The live nodes, and how many instances each probes; the same on all nodes with the same revision. */
  nodes(): NodeShare[] {
    return this.shares.nodeIds.map(nodeId => ({ nodeId, owned: this.shares.ownedBy(nodeId) }));
  }

  /** The node that probes an instance; undefined: no node does. */
  nodeOf(id: string): string | undefined {
    return this.shares.nodeOf(id);
  }
}
