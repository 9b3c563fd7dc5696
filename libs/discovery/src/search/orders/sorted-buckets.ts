import { lowerBound } from '@coordination/kernel';

/** How many items a bucket has at most: small enough to be copied for each change, large enough that there are few buckets. */
const CAPACITY = 128;

/** Sorted items. */
type Bucket<T> = readonly T[];

/**
 * Many items in one order, with changes in logarithmic time. They are kept in buckets; a bucket is never changed but replaced
 * by another one, so that a walk shows the items of the moment in which it began, whatever happens to them meanwhile.
 */
export class SortedBuckets<T> {
  private buckets: Bucket<T>[] = [];
  private count = 0;

  /** @param compare orders all items strictly: 0 means that they are the same item */
  constructor(
    private readonly compare: (a: T, b: T) => number,
    private readonly capacity = CAPACITY,
  ) {}

  get size(): number {
    return this.count;
  }

  /** Adds an item, or replaces the one that is equal to it. */
  put(item: T): void {
    const at = this.bucketOf(item);
    const bucket = this.buckets[at];
    if (!bucket) {
      this.append(item);
      return;
    }
    const index = lowerBound(bucket, other => this.compare(other, item) < 0);
    if (this.compare(bucket[index]!, item) === 0) {
      this.buckets[at] = bucket.with(index, item);
      return;
    }
    this.count += 1;
    const grown = bucket.toSpliced(index, 0, item);
    if (grown.length <= this.capacity) this.buckets[at] = grown;
    else this.buckets.splice(at, 1, ...halves(grown));
  }

  /** Removes the item that is equal to this one, if there is one. */
  delete(item: T): void {
    const at = this.bucketOf(item);
    const bucket = this.buckets[at];
    if (!bucket) return;
    const index = lowerBound(bucket, other => this.compare(other, item) < 0);
    if (this.compare(bucket[index]!, item) !== 0) return;
    this.count -= 1;
    if (bucket.length === 1) this.buckets.splice(at, 1);
    else this.buckets[at] = bucket.toSpliced(index, 1);
  }

  /**
   * The items of this moment in their order.
   * @param isSkipped whether an item comes before the first one of the walk; true for none that follows one that is not skipped
   */
  ascending(isSkipped: (item: T) => boolean): SortedWalk<T> {
    const at = lowerBound(this.buckets, bucket => isSkipped(bucket.at(-1)!));
    return new SortedWalk([...this.buckets], at, lowerBound(this.buckets[at] ?? [], isSkipped), 1);
  }

  /**
   * The items of this moment in the reverse order.
   * @param isIncluded whether an item is not after the first one of the walk; true for none that follows one for which it is not
   */
  descending(isIncluded: (item: T) => boolean): SortedWalk<T> {
    const at = lowerBound(this.buckets, bucket => isIncluded(bucket[0]!)) - 1;
    return new SortedWalk([...this.buckets], at, lowerBound(this.buckets[at] ?? [], isIncluded) - 1, -1);
  }

  /** The first bucket that has an item which is not before this one; the number of buckets if none has. */
  private bucketOf(item: T): number {
    return lowerBound(this.buckets, bucket => this.compare(bucket.at(-1)!, item) < 0);
  }

  /** Adds an item after all others. */
  private append(item: T): void {
    this.count += 1;
    const last = this.buckets.at(-1);
    if (last && last.length < this.capacity) this.buckets[this.buckets.length - 1] = [...last, item];
    else this.buckets.push([item]);
  }
}

function halves<T>(bucket: Bucket<T>): [Bucket<T>, Bucket<T>] {
  const middle = bucket.length >>> 1;
  return [bucket.slice(0, middle), bucket.slice(middle)];
}

/** Items in an order, one after the other. */
export class SortedWalk<T> {
  /**
   * @param buckets none is empty
   * @param at the bucket of the first item
   * @param index its place in the bucket
   */
  constructor(
    private readonly buckets: readonly Bucket<T>[],
    private at: number,
    private index: number,
    private readonly direction: 1 | -1,
  ) {}

  /** The next item; undefined at the end. */
  next(): T | undefined {
    const bucket = this.buckets[this.at];
    if (!bucket) return undefined;
    const item = bucket[this.index];
    this.index += this.direction;
    if (this.direction === 1 ? this.index >= bucket.length : this.index < 0) {
      this.at += this.direction;
      this.index = this.direction === 1 ? 0 : (this.buckets[this.at]?.length ?? 0) - 1;
    }
    return item;
  }
}
