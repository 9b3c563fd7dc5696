/** How current the view of this node is. The view provides it. */
export abstract class CatalogFreshness {
  abstract freshness(): {
    readonly loaded: boolean;
    /** Revision up to which the view has followed the log. */
    readonly revision: number;
    /** The epoch that it follows; null before the first load. */
    readonly epoch?: string | null;
    /** Seconds since the view was last known to be current. */
    readonly stalenessSeconds: number;
    /** The age of the view at which the node stops responding from it. */
    readonly limitSeconds: number;
  };
}

/** How many changes wait for the database. The writer provides it. */
export abstract class WriteQueueLength {
  abstract readonly queueLength: number;
}

/** How much room the log has for further events. The log provides it. */
export abstract class LogRoomLeft {
  /** Revisions that have a partition; undefined: not known yet. */
  abstract readonly revisions: number | undefined;
  /** Whether the newest partition is nearly full, and there is no next one. */
  abstract readonly isNearlyFull: boolean;
}

/** Whether any node ends leases. The leadership provides it. */
export abstract class LastSweep {
  /**
   * Seconds since this node last noticed that any node had swept expired leases; undefined: this node has not looked
   * yet.
   */
  abstract readonly sweptSecondsAgo: number | undefined;
}

/** The name of this node among the nodes. Liveness provides it. */
export abstract class NodeName {
  /** The name that it is registered under; undefined: it is not registered. */
  abstract readonly nodeId: string | undefined;
  /** Other live nodes that use the ID of this one. */
  abstract readonly othersOfSameId: readonly object[];
  /** A message about what is wrong with its ID; undefined: nothing. */
  abstract readonly complaint: string | undefined;
}

/** The probes of this node. Liveness provides them. */
export abstract class ProbeBacklog {
  /** What is shown to people: how many probes are under way, wait and did not count, and how late the next one is. */
  abstract queue(): object;
}

/** The guards that prevent leases from ending. Liveness provides them. */
export abstract class ActiveGuards {
  /** The active guards, as they are shown to people. */
  abstract current(): readonly object[];
}
