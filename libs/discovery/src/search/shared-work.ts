/** A piece of work, and who waits for it. */
interface Shared<Result> {
  readonly result: Promise<Result>;
  readonly controller: AbortController;
  callers: number;
}

/** Does equal pieces of work once for all who ask while they are under way. */
export class SharedWork<Result> {
  private readonly underWay = new Map<string, Shared<Result>>();

  /** How many pieces of work are under way. */
  get size(): number {
    return this.underWay.size;
  }

  /**
   * The result of the work of this name, which begins unless it is under way. It is aborted when all who wait for it have gone.
   * @param work is called with the signal that aborts it
   * @param signal of one caller
   * @throws the reason of the signal when it is aborted
   */
  async join(name: string, work: (signal: AbortSignal) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    const shared = this.underWay.get(name) ?? this.begin(name, work);
    shared.callers += 1;
    const gone = Promise.withResolvers<never>();
    const leave = () => {
      shared.callers -= 1;
      if (shared.callers === 0) this.end(name, shared, signal?.reason);
      gone.reject(signal?.reason);
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([shared.result, gone.promise]);
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  private begin(name: string, work: (signal: AbortSignal) => Promise<Result>): Shared<Result> {
    const controller = new AbortController();
    const result = work(controller.signal).finally(() => this.end(name, shared));
    const shared: Shared<Result> = { result, controller, callers: 0 };
    this.underWay.set(name, shared);
    return shared;
  }

  private end(name: string, shared: Shared<Result>, reason?: unknown): void {
    if (this.underWay.get(name) === shared) this.underWay.delete(name);
    shared.controller.abort(reason);
  }
}
