interface Waiter {
  readonly settle: (reached: boolean) => void;
}

/** How many callers may wait at once; further ones get `false` immediately. */
export const MAX_WAITERS = 20_000;

/**
 * A timer that fires so much (ms) too late shows that this process was stalled. The change that a caller waits for may have
 * arrived meanwhile and not be read yet, so the caller waits for its whole time again.
 */
const STALLED_MS = 100;

/** Callers that wait until the view has reached a revision. */
export class RevisionWaiters {
  /** By revision: callers that share a read index wait for the same one. */
  private readonly waiting = new Map<number, Set<Waiter>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /**
   * Resolves with true when {@link release} is called with this revision or a later one. Resolves with false after the
   * timeout (not counting stalls of this process), when aborted, or when too many callers wait already.
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
    let startedMs = performance.now();
    const check = () => {
      const now = performance.now();
      if (now - startedMs - timeoutMs < STALLED_MS) return giveUp();
      startedMs = now;
      timer.refresh();
    };
    const timer = setTimeout(check, timeoutMs);
    signal?.addEventListener('abort', giveUp, { once: true });
    group.add(waiter);
    this.waiting.set(revision, group);
    this.count += 1;
    return promise;
  }

  /** Resolves the waiters for this revision and earlier ones with `true`. */
  release(revision: number): void {
    for (const [awaited, group] of this.waiting) {
      if (awaited <= revision) for (const waiter of group) waiter.settle(true);
    }
  }

  /** Resolves all waiters with `false`. */
  abandon(): void {
    for (const group of this.waiting.values()) for (const waiter of group) waiter.settle(false);
  }
}
