/**
 * Things by the time at which they are due, to within a slot. Adding, removing and taking cost the same however many
 * there are, and there is one timer for all of them.
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

  /** @returns how to take it out again */
  add(thing: T, dueMs: number): () => void {
    // What is due already comes with the next slot.
    const slot = Math.max(Math.ceil(dueMs / this.slotMs), this.last + 1);
    const things = this.slots.get(slot) ?? new Set<T>();
    this.slots.set(slot, things.add(thing));
    return () => {
      if (things.delete(thing) && things.size === 0) this.slots.delete(slot);
    };
  }

  /** Takes out what is due, the earlier first. */
  take(nowMs: number): T[] {
    const now = Math.floor(nowMs / this.slotMs);
    const due = now - this.last > this.slots.size ? this.occupiedUpTo(now) : this.passedUpTo(now);
    this.last = Math.max(this.last, now);
    return due.flatMap(slot => this.taken(slot));
  }

  private passedUpTo(now: number): number[] {
    return Array.from({ length: Math.max(0, now - this.last) }, (_, n) => this.last + 1 + n);
  }

  /** After a long sleep there are fewer of these. */
  private occupiedUpTo(now: number): number[] {
    return [...this.slots.keys()].filter(slot => slot <= now).toSorted((a, b) => a - b);
  }

  private taken(slot: number): T[] {
    const things = [...(this.slots.get(slot) ?? [])];
    // Emptied too, so that taking one of them out later is nothing.
    this.slots.get(slot)?.clear();
    this.slots.delete(slot);
    return things;
  }
}
