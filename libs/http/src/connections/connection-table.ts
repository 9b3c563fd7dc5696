/** Why a connection is closed for another one, or refused: too many from its address, or too many in all. */
export type LimitReached = 'address' | 'all';

/** What becomes of a new connection. */
export type Admission<Connection> =
  | { readonly isAdmitted: true; readonly closed?: { readonly connection: Connection; readonly because: LimitReached } }
  | { readonly isAdmitted: false; readonly because: LimitReached };

/** How many connections may be open. */
export interface ConnectionLimits {
  readonly max: number;
  /** Whether connections of an address are counted only in all: those of a proxy are of many clients. */
  readonly isShared: (address: string) => boolean;
}

interface Address {
  open: number;
  /** Those without a request under way; the longest idle first. */
  readonly idle: Set<object>;
}

interface Entry {
  readonly address: Address;
  readonly name: string;
  /** Requests that have begun and are not answered yet, such as waiting reads and watches. */
  underWay: number;
}

/**
 * The open connections, and which of them makes room for a new one. At the maximum, and at half of it for one address, the
 * connection that has been idle longest is closed; if none is idle, the new one is refused.
 */
export class ConnectionTable<Connection extends object> {
  private readonly entries = new Map<Connection, Entry>();
  private readonly addresses = new Map<string, Address>();
  private readonly idle = new Set<Connection>();
  private readonly maxOfAddress: number;

  constructor(private readonly limits: ConnectionLimits) {
    this.maxOfAddress = Math.max(1, Math.floor(limits.max / 2));
  }

  get open(): number {
    return this.entries.size;
  }

  get idleCount(): number {
    return this.idle.size;
  }

  /** Adds a new connection if there is room, or if an idle one can be closed for it, which the caller must do. */
  admit(connection: Connection, name: string): Admission<Connection> {
    const because = this.limitReachedBy(name);
    const closed = because && this.longestIdle(because, name);
    if (because && !closed) return { isAdmitted: false, because };
    if (closed) this.remove(closed);
    this.add(connection, name);
    return { isAdmitted: true, ...(because && closed && { closed: { connection: closed, because } }) };
  }

  /** A request has begun on the connection. */
  began(connection: Connection): void {
    const entry = this.entries.get(connection);
    if (!entry) return;
    entry.underWay += 1;
    this.idle.delete(connection);
    entry.address.idle.delete(connection);
  }

  /** A request of the connection has been answered, or was given up. */
  ended(connection: Connection): void {
    const entry = this.entries.get(connection);
    if (!entry || entry.underWay === 0) return;
    entry.underWay -= 1;
    if (entry.underWay > 0) return;
    this.idle.add(connection);
    entry.address.idle.add(connection);
  }

  /** The connection has been closed. */
  remove(connection: Connection): void {
    const entry = this.entries.get(connection);
    if (!entry) return;
    const { address, name } = entry;
    this.entries.delete(connection);
    this.idle.delete(connection);
    address.idle.delete(connection);
    address.open -= 1;
    if (address.open === 0) this.addresses.delete(name);
  }

  private limitReachedBy(name: string): LimitReached | undefined {
    const ofAddress = this.addresses.get(name)?.open ?? 0;
    if (ofAddress >= this.maxOfAddress && !this.limits.isShared(name)) return 'address';
    return this.entries.size >= this.limits.max ? 'all' : undefined;
  }

  private longestIdle(because: LimitReached, name: string): Connection | undefined {
    const candidates = because === 'all' ? this.idle : this.addresses.get(name)!.idle;
    const [first] = candidates as Set<Connection>;
    return first;
  }

  private add(connection: Connection, name: string): void {
    let address = this.addresses.get(name);
    if (!address) this.addresses.set(name, (address = { open: 0, idle: new Set() }));
    address.open += 1;
    address.idle.add(connection);
    this.idle.add(connection);
    this.entries.set(connection, { address, name, underWay: 0 });
  }
}
