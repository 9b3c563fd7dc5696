/**
 * A stall of the node that holds a role: between two of its claims its event loop ran nothing for a while, and no other node
 * took the role. Times are RFC 3339 in UTC, by the clock of the database.
 */
export interface RecordedStall {
  /** The claim before the stall. */
  readonly from: string;
  /** The claim after it. */
  readonly until: string;
  /** For how long (ms) the event loop was stalled in between, in sum. */
  readonly ms: number;
}
