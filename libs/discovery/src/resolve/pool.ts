import { lowerBound } from '@coordination/kernel';

/** Returns a number from 0 up to, but not including, 1. */
export type Random = () => number;

/** The id of an instance, and its weight in the choice. */
export interface WeightedId {
  readonly id: string;
  readonly weight: number;
}

/** A set of instances to choose from. It holds their ids only, so that a cached pool keeps no old records in memory. */
export class Pool {
  readonly ids: readonly string[];
  /** The sum of all weights up to each id. */
  private readonly sums: readonly number[];

  /** @param members with weights above 0 */
  constructor(members: readonly WeightedId[]) {
    const ordered = members.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    let sum = 0;
    this.ids = ordered.map(({ id }) => id);
    this.sums = ordered.map(({ weight }) => (sum += weight));
  }

  get size(): number {
    return this.ids.length;
  }

  /** The sum of all weights. */
  get weight(): number {
    return this.sums.at(-1) ?? 0;
  }

  /** Chooses an id at random, in proportion to the weights, in logarithmic time. The pool must not be empty. */
  pick(random: Random): string {
    const mark = random() * this.weight;
    return this.at(lowerBound(this.sums, sum => sum <= mark));
  }

  /**
   * The next id in turn, in logarithmic time. An id that stays is chosen once in every round, whatever else is added or
   * removed.
   * @param last the id that was chosen before, whether it is still there or not; without it, the round begins at random, so
   *   that nodes that start together do not all begin with the same id
   */
  next(last: string | undefined, random: Random): string {
    if (last === undefined) return this.at(Math.floor(random() * this.size));
    return this.at(lowerBound(this.ids, id => id <= last) % this.size);
  }

  private at(n: number): string {
    return this.ids[Math.min(n, this.size - 1)]!; // rounding could lead one too far
  }
}
