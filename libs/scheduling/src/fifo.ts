/**
 * A queue from which items can be removed. It keeps one iterator over a set: a new iterator would have to pass all the items
 * that were taken out since the set last shrank.
 */
export class Fifo<Item> {
  private readonly items = new Set<Item>();
  private cursor: Iterator<Item, unknown> | undefined;

  get size(): number {
    return this.items.size;
  }

  /** Adds an item at the end. No effect if it is in the queue. */
  add(item: Item): void {
    this.items.add(item);
  }

  /** @returns whether the item was in the queue */
  delete(item: Item): boolean {
    return this.items.delete(item);
  }

  /** Takes out the first item. */
  shift(): Item | undefined {
    this.cursor ??= this.items.values();
    const { done, value } = this.cursor.next();
    if (done) {
      this.cursor = undefined;
      return undefined;
    }
    this.items.delete(value);
    return value;
  }
}
