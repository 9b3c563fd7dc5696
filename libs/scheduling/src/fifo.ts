/** An item in a {@link Fifo}. */
export class QueueEntry<Item> {
  /** For the queue; both are undefined once the item has left it. */
  previous: QueueEntry<Item> | undefined;
  next: QueueEntry<Item> | undefined;

  constructor(readonly item: Item) {}
}

/**
 * A queue from which items can be removed, wherever they are. It is a linked list, not a set: V8 links each table that a set or a
 * map has outgrown or left to the next one. With a set that is filled and emptied all the time, these tables, and what they
 * contained, would be garbage that only collections of the whole heap free.
 */
export class Fifo<Item> {
  private first: QueueEntry<Item> | undefined;
  private last: QueueEntry<Item> | undefined;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Adds an item at the end. @returns by what it can be removed */
  add(item: Item): QueueEntry<Item> {
    const entry = new QueueEntry(item);
    entry.previous = this.last;
    if (this.last) this.last.next = entry;
    else this.first = entry;
    this.last = entry;
    this.count += 1;
    return entry;
  }

  /** Removes an item of this queue. @returns whether it was still there */
  delete(entry: QueueEntry<Item>): boolean {
    const { previous, next } = entry;
    if (!previous && this.first !== entry) return false;
    if (previous) previous.next = next;
    else this.first = next;
    if (next) next.previous = previous;
    else this.last = previous;
    // An entry that has left must not keep others from being collected.
    entry.previous = undefined;
    entry.next = undefined;
    this.count -= 1;
    return true;
  }

  /** Takes out the first item. */
  shift(): Item | undefined {
    const { first } = this;
    if (!first) return undefined;
    this.delete(first);
    return first.item;
  }

  /** The items in their order. None may be removed meanwhile but the one that was given last. */
  *[Symbol.iterator](): Generator<Item> {
    for (let entry = this.first; entry;) {
      const { next } = entry;
      yield entry.item;
      entry = next;
    }
  }
}
