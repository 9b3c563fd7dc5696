/** Who waits for a place. */
export interface Waiter {
  /** The address of the caller. */
  readonly client: string;
  /** The route, or another name of the kind of work. */
  readonly route: string;
  /** Whether its work has begun before and goes on: such a waiter does not count towards the bound, and is never refused. */
  readonly isUnderWay: boolean;
}

/** How many may work, and how many may wait. */
export interface LineLimits {
  readonly places: number;
  readonly lineMax: number;
}

/** What became of a request for a place. */
export type Admission<W> =
  | { readonly outcome: 'granted' | 'refused' }
  /** `evicted`: another waiter that lost its place in the line to this one. */
  | { readonly outcome: 'waiting'; readonly evicted: W | undefined };

/** The waiters of one client. */
interface ClientLine<W> {
  /** In the order in which they came. */
  readonly waiters: Set<W>;
  /** By route; the first route is the next one. */
  readonly routes: Map<string, Set<W>>;
  /** How many of them count towards the bound. */
  bounded: number;
}

/**
 * Places and the line of those who wait for one. A place never stays free while anybody waits.
 *
 * - Fair: clients take turns, and in a client its routes do. A client that holds half of the places or more comes after
 *   clients that hold fewer.
 * - Bounded: a client that has half of the line does not get more of it while others wait. When the line is full, a newcomer
 *   takes the place of the newest waiter of the client that has most, if that has at least two more than the newcomer's client.
 */
export class FairLine<W extends Waiter> {
  /** The first client is the next one. */
  private readonly clients = new Map<string, ClientLine<W>>();
  /** How many places each client holds. */
  private readonly held = new Map<string, number>();
  private takenPlaces = 0;
  private bounded = 0;
  private readonly shareOfPlaces: number;
  private readonly shareOfLine: number;

  constructor(private readonly limits: LineLimits) {
    this.shareOfPlaces = Math.max(1, Math.floor(limits.places / 2));
    this.shareOfLine = Math.ceil(limits.lineMax / 2);
  }

  /** How many places are held. */
  get taken(): number {
    return this.takenPlaces;
  }

  /** How many wait. */
  get waiting(): number {
    let sum = 0;
    for (const { waiters } of this.clients.values()) sum += waiters.size;
    return sum;
  }

  /** All who wait, in no particular order. */
  *waiters(): Generator<W, void> {
    for (const { waiters } of this.clients.values()) yield* waiters;
  }

  /** Asks for a place, or a place in the line. */
  ask(waiter: W): Admission<W> {
    if (this.takenPlaces < this.limits.places) {
      this.hold(waiter.client);
      return { outcome: 'granted' };
    }
    let evicted: W | undefined;
    if (!waiter.isUnderWay) {
      const own = this.clients.get(waiter.client)?.bounded ?? 0;
      if (own >= this.shareOfLine && this.doOthersWait(waiter.client)) return { outcome: 'refused' };
      if (this.bounded >= this.limits.lineMax) {
        evicted = this.newestOfLargest(own);
        if (!evicted) return { outcome: 'refused' };
        this.leave(evicted);
      }
    }
    this.push(waiter);
    return { outcome: 'waiting', evicted };
  }

  /** Removes a waiter from the line. @returns whether it was in it */
  leave(waiter: W): boolean {
    const { client, route, isUnderWay } = waiter;
    const line = this.clients.get(client);
    if (!line?.waiters.delete(waiter)) return false;
    const ofRoute = line.routes.get(route)!;
    ofRoute.delete(waiter);
    if (ofRoute.size === 0) line.routes.delete(route);
    if (line.waiters.size === 0) this.clients.delete(client);
    if (!isUnderWay) {
      line.bounded -= 1;
      this.bounded -= 1;
    }
    return true;
  }

  /** Gives a place of a client back. @returns the waiter that holds it now; undefined: none waits */
  release(client: string): W | undefined {
    this.takenPlaces -= 1;
    const left = this.heldBy(client) - 1;
    if (left > 0) this.held.set(client, left);
    else this.held.delete(client);
    const next = this.next();
    if (!next) return undefined;
    this.leave(next);
    this.toEndOfTurns(next);
    this.hold(next.client);
    return next;
  }

  private next(): W | undefined {
    let first: string | undefined;
    for (const client of this.clients.keys()) {
      first ??= client;
      if (this.heldBy(client) >= this.shareOfPlaces) continue;
      first = client;
      break;
    }
    if (first === undefined) return undefined;
    const [ofRoute] = this.clients.get(first)!.routes.values();
    const [next] = ofRoute!;
    return next;
  }

  /** The client, and the route in it, have had their turn. */
  private toEndOfTurns({ client, route }: W): void {
    const line = this.clients.get(client);
    if (!line) return;
    this.clients.delete(client);
    this.clients.set(client, line);
    const ofRoute = line.routes.get(route);
    if (!ofRoute) return;
    line.routes.delete(route);
    line.routes.set(route, ofRoute);
  }

  private push(waiter: W): void {
    const { client, route, isUnderWay } = waiter;
    let line = this.clients.get(client);
    if (!line) this.clients.set(client, (line = { waiters: new Set(), routes: new Map(), bounded: 0 }));
    let ofRoute = line.routes.get(route);
    if (!ofRoute) line.routes.set(route, (ofRoute = new Set()));
    line.waiters.add(waiter);
    ofRoute.add(waiter);
    if (isUnderWay) return;
    line.bounded += 1;
    this.bounded += 1;
  }

  /** The newest waiter of the client that has most, if that has at least two more than the number given. */
  private newestOfLargest(own: number): W | undefined {
    let largest: ClientLine<W> | undefined;
    for (const line of this.clients.values()) if (line.bounded > (largest?.bounded ?? own + 1)) largest = line;
    return largest && [...largest.waiters].findLast(({ isUnderWay }) => !isUnderWay);
  }

  private doOthersWait(client: string): boolean {
    return this.clients.size > (this.clients.has(client) ? 1 : 0);
  }

  private hold(client: string): void {
    this.takenPlaces += 1;
    this.held.set(client, this.heldBy(client) + 1);
  }

  private heldBy(client: string): number {
    return this.held.get(client) ?? 0;
  }
}
