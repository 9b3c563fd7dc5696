/** How current this node's view of the catalog is. The view provides it. */
export abstract class CatalogFreshness {
  abstract freshness(): {
    readonly loaded: boolean;
    /** Revision up to which the view has followed the log. */
    readonly revision: number;
    /** The unbroken history that it follows; null before the first load. */
    readonly epoch?: string | null;
    /** Seconds since the view was last known to be current. */
    readonly stalenessSeconds: number;
    /** How old the view may be before the node stops answering from it. */
    readonly limitSeconds: number;
  };
}

/** How many changes wait for the database. The writer provides it. */
export abstract class WriteQueueLength {
  abstract readonly queueLength: number;
}

/** How much room the log has for further changes. The log provides it. */
export abstract class LogRoomLeft {
  /** Revisions that have a partition; undefined: not known yet. */
  abstract readonly revisions: number | undefined;
  /** Whether the newest partition is nearly full, and there is no next one. */
  abstract readonly isNearlyFull: boolean;
}

/** Whether anybody ends leases. Liveness provides it. */
export abstract class LastSweep {
  /**
   * Seconds since this node last noticed that any node had looked for leases that are over; undefined: this node has not
   * come to look at that yet.
   */
  abstract readonly sweptSecondsAgo: number | undefined;
}

/** The name of this node among the nodes. Liveness provides it. */
export abstract class NodeName {
  /** What it is registered under; undefined: it is not, or takes no part. */
  abstract readonly nodeId: string | undefined;
  /** Other live nodes that use the ID of this one. */
  abstract readonly othersOfSameId: readonly object[];
  /** What is wrong with its ID, for people; undefined: nothing. */
  abstract readonly complaint: string | undefined;
}

/** The guards that keep leases from ending. Liveness provides them. */
export abstract class ActiveGuards {
  /** Those that are active, as people are to be told of them. */
  abstract current(): readonly object[];
}
