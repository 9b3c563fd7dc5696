/**
 * A timing wheel: things by the time at which they are due, to within a slot. Adding, removing and taking cost the same
 * however many things there are, and one timer serves all of them.
 */
export class DueTimes<T> {
  private readonly slots = new Map<number, Set<T>>();
  /** The last slot that was taken. */
  private last: number;

  constructor(
    private readonly slotMs: number,
    nowMs: number,
  ) {
    this.last = Math.floor(nowMs / slotMs);
  }

  /** @returns removes it */
  add(thing: T, dueMs: number): () => void {
    // A thing that is already due is put into the next slot.
    const slot = Math.max(Math.ceil(dueMs / this.slotMs), this.last + 1);
    const things = this.slots.get(slot) ?? new Set<T>();
    this.slots.set(slot, things.add(thing));
    return () => {
      if (things.delete(thing) && things.size === 0) this.slots.delete(slot);
    };
  }

  /** Removes and returns the things that are due, the earliest first. */
  take(nowMs: number): T[] {
    const now = Math.floor(nowMs / this.slotMs);
    const due = now - this.last > this.slots.size ? this.occupiedUpTo(now) : this.passedUpTo(now);
    this.last = Math.max(this.last, now);
    return due.flatMap(slot => this.taken(slot));
  }

  private passedUpTo(now: number): number[] {
    return Array.from({ length: Math.max(0, now - this.last) }, (_, n) => this.last + 1 + n);
  }

  /** After a long pause there are fewer of these than passed slots. */
  private occupiedUpTo(now: number): number[] {
    return [...this.slots.keys()].filter(slot => slot <= now).toSorted((a, b) => a - b);
  }

  private taken(slot: number): T[] {
    const things = [...(this.slots.get(slot) ?? [])];
    // Also emptied, so that removing one of the things later has no effect.
    this.slots.get(slot)?.clear();
    this.slots.delete(slot);
    return things;
  }
}
