/** Gives a number from 0 up to, but not including, 1. */
export type Random = () => number;

/** Something that can be chosen, and how often beside the others. */
export interface Share {
  readonly id: string;
  readonly weight: number;
}

/** Those among whom the choice is, by id. It holds names alone, so that what is kept of a past revision is little. */
export class Pool {
  readonly ids: readonly string[];
  /** The sum of all weights up to each id. */
  private readonly sums: Float64Array;

  /** @param shares with weights above 0 */
  constructor(shares: readonly Share[]) {
    const ordered = shares.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    let sum = 0;
    this.ids = ordered.map(({ id }) => id);
    this.sums = Float64Array.from(ordered, ({ weight }) => (sum += weight));
  }

  get size(): number {
    return this.ids.length;
  }

  /** The sum of all weights. */
  get weight(): number {
    return this.sums.at(-1) ?? 0;
  }

  /** One of them, each as often as its weight says; in logarithmic time. The pool must not be empty. */
  pick(random: Random): string {
    const mark = random() * this.weight;
    return this.at(firstWhere(this.size, n => this.sums[n]! > mark));
  }

  /**
   * The next one in turn, in logarithmic time. Whoever stays is given once in every round, whoever else comes and goes.
   * @param last who had the turn before, whether still there or not; without, the round begins anywhere, so that nodes
   *   that start together do not all begin with the same one
   */
  next(last: string | undefined, random: Random): string {
    if (last === undefined) return this.at(Math.floor(random() * this.size));
    return this.at(firstWhere(this.size, n => this.ids[n]! > last) % this.size);
  }

  private at(n: number): string {
    return this.ids[Math.min(n, this.size - 1)]!; // rounding could lead one too far
  }
}

/** The first of the numbers below `end` of which a condition holds that holds of all after it too; else `end`. */
function firstWhere(end: number, holds: (n: number) => boolean): number {
  let [low, high] = [0, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
