/**
 * How many revisions a partition of the log holds, as `ensure_service_event_partitions` makes them; a test compares the two.
 * Nothing becomes wrong where partitions have other bounds, but partitions are looked at in vain.
 */
export const LOG_PARTITION_SIZE = 1_000_000;

/** A part of the log that is a table of its own: revisions from one on, up to another, which is not included. */
export interface LogPartition {
  /** Name of the table. */
  readonly name: string;
  readonly from: number;
  readonly before: number;
  /** Whether it is being detached: new queries do not see it any more. */
  readonly isLeaving: boolean;
}

/** How many revisions after the head have a place: those of the partitions that follow one another from there on. */
export function roomAfter(head: number, partitions: readonly LogPartition[]): number {
  let end = head + 1;
  for (const { from, before } of partitions.toSorted((a, b) => a.from - b.from)) {
    if (from <= end && end < before) end = before;
  }
  return end - 1 - head;
}
