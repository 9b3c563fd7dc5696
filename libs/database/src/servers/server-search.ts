import { lookup } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type TargetSession } from '@coordination/config';
import { READ_ONLY_STATE } from './server-state.js';
import { describeServer, hasName, type Server, type Servers } from './servers.js';

/** Pause (ms) between a search that found nothing and the next one, because each new connection asks for one. */
const PAUSE_MS = 100;

/** A server at one of its addresses. */
export interface Place {
  readonly server: Server;
  /** What to connect to: an address where the name has several, else the host. */
  readonly address: string;
}

/** A connection to a place. */
export interface PlacedConnection {
  readonly place: Place | undefined;
  destroy(): void;
}

/** Tries a place. @throws Error with the reason why it cannot be used */
export type LookAt = (place: Place) => Promise<void>;

/** None of the servers can be used. The message gives the reason for each; the most informative error comes first. */
export class NoServerError extends AggregateError {
  override readonly name = 'NoServerError';
  readonly code: string | undefined;

  constructor(failures: readonly (readonly [Server, NodeJS.ErrnoException])[]) {
    const errors = failures.map(([, error]) => error).toSorted((a, b) => weight(b) - weight(a));
    const reasons = failures.map(
      ([server, { message }]) => `${describeServer(server)} (${message.replace(/\.$/, '')})`,
    );
    super(errors, `No server can be used: ${reasons.join(', ')}.`);
    this.code = errors[0]?.code;
  }
}

/** An answer of a server says more than a failure to reach one; all servers but one are expected to be standbys. */
function weight(error: Error): number {
  const { code } = error as NodeJS.ErrnoException;
  if (code === READ_ONLY_STATE) return 1;
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE' ? 2 : 0;
}

/**
 * Finds the server that connections are for, among several or among the addresses of one name, and remembers it until a
 * connection to it fails, breaks, or reports that it only reads. One search serves all connections that are made meanwhile.
 * When it finds another server than before, the connections to all others are cut: those servers are no primaries any more.
 */
export class ServerSearch {
  private known: Place | undefined;
  /** Where the next search begins. */
  private first = 0;
  private searching: Promise<Place> | undefined;
  private pauseUntilMs = -Infinity;
  private readonly connections = new Set<PlacedConnection>();

  constructor(
    private readonly servers: Servers,
    private readonly session: TargetSession,
  ) {}

  /**
   * @param timeoutMs how long the resolver may take
   * @throws NoServerError when none can be used
   */
  async find(lookAt: LookAt, timeoutMs: number | undefined): Promise<Place> {
    if (this.known) return this.known;
    this.searching ??= this.search(lookAt, timeoutMs).finally(() => (this.searching = undefined));
    return await this.searching;
  }

  /** A connection has been made. */
  joined(connection: PlacedConnection): void {
    this.connections.add(connection);
  }

  /** A connection is over. */
  left(connection: PlacedConnection): void {
    this.connections.delete(connection);
  }

  /** A place is not the right one any more, or cannot be reached: the next search begins with the server after it. */
  lost(place: Place): void {
    if (!this.known || !isSame(this.known, place)) return;
    this.known = undefined;
    this.first = (this.servers.indexOf(place.server) + 1) % this.servers.length;
  }

  private async search(lookAt: LookAt, timeoutMs: number | undefined): Promise<Place> {
    await delay(Math.max(0, this.pauseUntilMs - performance.now()));
    const failures: [Server, NodeJS.ErrnoException][] = [];
    for (const server of [...this.servers.slice(this.first), ...this.servers.slice(0, this.first)]) {
      const failed = (error: unknown) => void failures.push([server, error as NodeJS.ErrnoException]);
      for (const place of (await this.placesOf(server, timeoutMs).catch(failed)) ?? []) {
        const isIt = await lookAt(place).then(() => true, failed);
        if (isIt) return this.found(place);
      }
    }
    this.pauseUntilMs = performance.now() + PAUSE_MS;
    throw new NoServerError(failures);
  }

  private found(place: Place): Place {
    this.known = place;
    this.first = this.servers.indexOf(place.server);
    if (this.session === 'any') return place;
    for (const connection of this.connections) {
      if (connection.place && !isSame(connection.place, place)) connection.destroy();
    }
    return place;
  }

  /** A name may have the addresses of all servers of a cluster. */
  private async placesOf(server: Server, timeoutMs: number | undefined): Promise<Place[]> {
    if (this.session === 'any' || !hasName(server)) return [{ server, address: server.host }];
    const addresses = await within(timeoutMs, lookup(server.host, { all: true }));
    // The address of a name may change; it is resolved anew for each connection as long as it is one.
    if (addresses.length === 1) return [{ server, address: server.host }];
    return addresses.map(({ address }) => ({ server, address }));
  }
}

const isSame = (a: Place, b: Place): boolean => a.server === b.server && a.address === b.address;

async function within<T>(ms: number | undefined, work: Promise<T>): Promise<T> {
  if (ms === undefined) return await work;
  const over = new AbortController();
  const late = delay(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error('timeout: the name was not resolved in time');
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
    late.catch(() => undefined);
    work.catch(() => undefined);
  }
}
