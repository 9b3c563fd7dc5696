import { type Scheduler, type Turn } from '@coordination/scheduling';

/** Makes a value in slices. */
export interface Maker<Value> {
  /** The client for which the value is made, if it is made for one: clients take turns in the scheduler. */
  readonly client?: string | undefined;
  /** Identifies what the value would be made from now. */
  state(): string;
  /**
   * @param fix must be called, in one go, with taking what the value is made from
   * @param signal is aborted when all callers have left: no one needs the value any more
   */
  make(turn: Turn, fix: () => void, signal: AbortSignal): Promise<Value>;
}

interface Flight<Value> {
  /** What the value is made from; undefined as long as that is not decided. */
  state: string | undefined;
  readonly value: Promise<Value>;
  readonly controller: AbortController;
  /** Who waits for the value. */
  callers: number;
}

/**
 * Values that take long to make, each made once for all callers who ask meanwhile. A caller gets a value of the state at which
 * it asked, or of a later one: if the value that is being made is of an earlier state, the caller gets the one after it, and
 * the failure of that one is not an error for the caller. Work is aborted when all of its callers have left, which callers
 * without a signal never do.
 */
export class Flights<Value> {
  private readonly flights = new Map<string, Flight<Value>>();

  constructor(private readonly scheduler: Scheduler) {}

  /** How many values are being made. */
  get size(): number {
    return this.flights.size;
  }

  /** Whether a value is being made. */
  has(key: string): boolean {
    return this.flights.has(key);
  }

  /**
   * @param signal of this caller
   * @throws the reason of the signal when it is aborted, and what making the value throws
   */
  async join(key: string, maker: Maker<Value>, signal?: AbortSignal): Promise<Value> {
    for (;;) {
      signal?.throwIfAborted();
      const flight = this.flights.get(key) ?? this.begin(key, maker);
      if (flight.state === undefined || flight.state === maker.state()) return await this.valueFor(key, flight, signal);
      await untilAborted(flight.value.then(noop, noop), signal);
    }
  }

  private begin(key: string, maker: Maker<Value>): Flight<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const controller = new AbortController();
    const { signal } = controller;
    const flight: Flight<Value> = { state: undefined, value: promise, controller, callers: 0 };
    this.flights.set(key, flight);
    // If all callers have left, nothing handles its rejection.
    promise.catch(noop);
    const turn = this.scheduler.begin({ workClass: 'heavy', client: maker.client });
    const making = turn.next().then(() => {
      signal.throwIfAborted();
      return maker.make(turn, () => (flight.state = maker.state()), signal);
    });
    // Forgotten before those who wait go on: they may begin the next one.
    void making.finally(() => this.forget(key, flight)).then(resolve, reject);
    return flight;
  }

  private async valueFor(key: string, flight: Flight<Value>, signal: AbortSignal | undefined): Promise<Value> {
    flight.callers += 1;
    return await untilAborted(flight.value, signal, reason => {
      flight.callers -= 1;
      if (flight.callers > 0) return;
      this.forget(key, flight);
      flight.controller.abort(reason);
    });
  }

  private forget(key: string, flight: Flight<Value>): void {
    if (this.flights.get(key) === flight) this.flights.delete(key);
  }
}

/** Waits for a result, but no longer than until a signal is aborted. @throws the reason of the signal */
async function untilAborted<Result>(
  result: Promise<Result>,
  signal: AbortSignal | undefined,
  onAbort: (reason: unknown) => void = noop,
): Promise<Result> {
  if (!signal) return await result;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const leave = () => {
    onAbort(signal.reason);
    reject(signal.reason);
  };
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

const noop = (): void => {};
