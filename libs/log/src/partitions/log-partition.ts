/**
 * How many revisions a partition of the log holds, as `ensure_service_event_partitions` creates them; a test compares the
 * two. Where partitions have other bounds, reads of the past are still correct, but search some partitions in vain.
 */
export const LOG_PARTITION_SIZE = 1_000_000;

/** A partition of the log: a table with the revisions from `from` up to `before`, which is not included. */
export interface LogPartition {
  /** Name of the table. */
  readonly name: string;
  readonly from: number;
  readonly before: number;
  /** Whether it is being detached: new queries no longer see it. */
  readonly isDetaching: boolean;
}

/** How many revisions after the head have a partition, up to the first gap between partitions. */
export function headroomAfter(head: number, partitions: readonly LogPartition[]): number {
  let end = head + 1;
  for (const { from, before } of partitions.toSorted((a, b) => a.from - b.from)) {
    if (from <= end && end < before) end = before;
  }
  return end - 1 - head;
}
