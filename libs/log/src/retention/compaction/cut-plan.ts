import { type LogPartition } from '../../partitions/log-partition.js';

/** The newest event of a partition. */
export interface LastEvent {
  readonly revision: number;
  readonly hash: string;
  readonly at: string;
}

/** A partition and its newest event; undefined: it is empty, since a new epoch jumped over its revisions. */
export interface PartitionExtent extends LogPartition {
  readonly last: LastEvent | undefined;
}

/** The partitions that one cut removes: one that has events, and the empty ones before it. */
export interface CutPlan {
  /** The last removed event. */
  readonly last: LastEvent;
  readonly partitions: readonly PartitionExtent[];
}

/** What limits the cuts. */
export interface CutLimits {
  /** The end of the log: the partition of the head and all later ones are retained. */
  readonly head: number;
  /** Events of this time and later ones are retained. RFC 3339 in UTC with milliseconds. */
  readonly retainedFrom: string;
}

/**
 * The possible cuts, in order: the oldest partitions of which every event is old enough. `at` never decreases with revisions,
 * so the last event of a partition is its newest.
 */
export function planCuts(partitions: readonly PartitionExtent[], { head, retainedFrom }: CutLimits): CutPlan[] {
  const plans: CutPlan[] = [];
  let empty: PartitionExtent[] = [];
  for (const partition of partitions.toSorted((a, b) => a.from - b.from)) {
    const { before, last } = partition;
    if (before > head || (last && last.at >= retainedFrom)) break;
    if (last) plans.push({ last, partitions: [...empty, partition] });
    empty = last ? [] : [...empty, partition];
  }
  return plans;
}
