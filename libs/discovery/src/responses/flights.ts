import { type Scheduler, type Turn } from '@coordination/scheduling';

/** Makes a value in slices. */
export interface Maker<Value> {
  /** Identifies what the value would be made from now. */
  state(): string;
  /** @param fix must be called, in one go, with taking what the value is made from */
  make(turn: Turn, fix: () => void): Promise<Value>;
}

interface Flight<Value> {
  /** What the value is made from; undefined as long as that is not decided. */
  state: string | undefined;
  value: Promise<Value>;
  next: Promise<Value> | undefined;
}

/**
 * Values that take long to make, each made once for all callers who ask meanwhile. A caller gets a value of the state at which
 * it asked, or of a later one: if the value that is being made is of an earlier state, the caller gets the one after it.
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

  join(key: string, maker: Maker<Value>): Promise<Value> {
    const flight = this.flights.get(key) ?? this.begin(key, maker);
    if (flight.state === undefined || flight.state === maker.state()) return flight.value;
    return (flight.next ??= flight.value.then(noop, noop).then(() => this.join(key, maker)));
  }

  private begin(key: string, maker: Maker<Value>): Flight<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const flight: Flight<Value> = { state: undefined, value: promise, next: undefined };
    this.flights.set(key, flight);
    // Callers that are gone leave nobody to hear of a failure.
    promise.catch(noop);
    const turn = this.scheduler.begin({ workClass: 'heavy' });
    const making = turn.next().then(() => maker.make(turn, () => (flight.state = maker.state())));
    void making.finally(() => this.flights.delete(key)).then(resolve, reject);
    return flight;
  }
}

const noop = (): void => {};
