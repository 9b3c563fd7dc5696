import { type LogPartition } from '../../partitions/log-partition.js';

/** The newest event of a partition. */
export interface LastEvent {
  readonly revision: number;
  readonly hash: string;
  readonly at: string;
}

/** A partition, and the newest event in it; undefined: it has none, for a new epoch leapt over it. */
export interface PartitionExtent extends LogPartition {
  readonly last: LastEvent | undefined;
}

/** What is removed at once: a partition that has events, and those before it that have none. */
export interface CutPlan {
  /** The last event that goes. */
  readonly last: LastEvent;
  readonly partitions: readonly PartitionExtent[];
}

/** What decides on what goes. */
export interface CutTerms {
  /** Where the log ends: the partition of the head, and all after it, stay. */
  readonly head: number;
  /** Events of this time and later ones stay. RFC 3339 in UTC with milliseconds. */
  readonly keptFrom: string;
}

/**
 * The cuts that may be made, one after the other: the oldest partitions whose every event is old enough. `at` never falls
 * along revisions, so its last event tells of all of a partition.
 */
export function planCuts(partitions: readonly PartitionExtent[], { head, keptFrom }: CutTerms): CutPlan[] {
  const plans: CutPlan[] = [];
  let empty: PartitionExtent[] = [];
  for (const partition of partitions.toSorted((a, b) => a.from - b.from)) {
    const { before, last } = partition;
    if (before > head || (last && last.at >= keptFrom)) break;
    if (last) plans.push({ last, partitions: [...empty, partition] });
    empty = last ? [] : [...empty, partition];
  }
  return plans;
}
