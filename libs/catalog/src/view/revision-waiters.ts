interface Waiter {
  readonly settle: (reached: boolean) => void;
}

/** How many may wait at once; whoever comes after them is told no at once. */
export const MAX_WAITERS = 20_000;

/** Those who wait until the view has reached a revision. */
export class RevisionWaiters {
  /** By revision: those who share a read index wait for the same one. */
  private readonly waiting = new Map<number, Set<Waiter>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /**
   * Resolves with true when {@link release} is called with the revision or a later one, else with false: after the
   * time, when aborted, or when too many wait already.
   */
  wait(revision: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (timeoutMs <= 0 || signal?.aborted || this.count >= MAX_WAITERS) return Promise.resolve(false);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const group = this.waiting.get(revision) ?? new Set<Waiter>();
    const settle = (reached: boolean) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      if (group.delete(waiter)) this.count -= 1;
      if (group.size === 0 && this.waiting.get(revision) === group) this.waiting.delete(revision);
      resolve(reached);
    };
    const waiter: Waiter = { settle };
    const giveUp = () => settle(false);
    const timer = setTimeout(giveUp, timeoutMs);
    signal?.addEventListener('abort', giveUp, { once: true });
    group.add(waiter);
    this.waiting.set(revision, group);
    this.count += 1;
    return promise;
  }

  /** Tells everybody who waits for this revision or an earlier one. */
  release(revision: number): void {
    for (const [awaited, group] of this.waiting) {
      if (awaited <= revision) for (const waiter of group) waiter.settle(true);
    }
  }

  /** Tells everybody that it will not be. */
  abandon(): void {
    for (const group of this.waiting.values()) for (const waiter of group) waiter.settle(false);
  }
}
