import { type ProbeScheduler } from './schedule/probe-scheduler.js';
import { type ProbeShares } from './share/probe-shares.js';

/** The probes of this node at this moment. */
export interface ProbeQueue {
  /** Instances that this node probes. */
  readonly owned: number;
  readonly inFlight: number;
  /** Due, and waiting for others to end. */
  readonly waiting: number;
  /** For how long (s) the first of those that wait has been due. */
  readonly lateSeconds: number;
}

/** A node and how many instances it probes. */
export interface NodeShare {
  readonly nodeId: string;
  readonly owned: number;
}

/** What there is to tell of probing, for people. */
export class ProbeOverview {
  constructor(
    private readonly scheduler: ProbeScheduler,
    private readonly shares: ProbeShares,
  ) {}

  /** This node's own part. */
  queue(): ProbeQueue {
    const { size, inFlight, waiting, lateSeconds } = this.scheduler;
    return { owned: size, inFlight, waiting, lateSeconds };
  }

  /** The nodes that live, and how the instances are shared out among them; the same on all nodes of one revision. */
  nodes(): NodeShare[] {
    return this.shares.nodeIds.map(nodeId => ({ nodeId, owned: this.shares.ownedBy(nodeId) }));
  }

  /** The node that probes an instance; undefined: none does. */
  whoProbes(id: string): string | undefined {
    return this.shares.whoProbes(id);
  }
}
