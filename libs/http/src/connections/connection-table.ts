/** Why a connection is closed for another one, or refused: too many from its address, or too many in all. */
export type LimitReached = 'address' | 'all';

/** The connection that makes room for a new one. */
export interface Closed<Connection> {
  readonly connection: Connection;
  readonly because: LimitReached;
  /** Whether its client had ended it already. */
  readonly hadEnded: boolean;
}

/** What becomes of a new connection. */
export type Admission<Connection> =
  | { readonly isAdmitted: true; readonly closed?: Closed<Connection> }
  | { readonly isAdmitted: false; readonly because: LimitReached };

/** How many connections may be open. */
export interface ConnectionLimits {
  readonly max: number;
  /** Whether connections of an address are counted only in all: those of a proxy are of many clients. */
  readonly isShared: (address: string) => boolean;
}

/** Some open connections. */
interface Group<Connection> {
  open: number;
  /** Those without a request under way; the longest idle first. */
  readonly idle: Set<Connection>;
  /** Those that their clients have ended, and that are not closed yet. */
  readonly leaving: Set<Connection>;
}

interface Entry<Connection> {
  readonly address: Group<Connection>;
  readonly name: string;
  /** Requests that have begun and are not answered yet, such as waiting reads and watches. */
  underWay: number;
}

/**
 * The open connections, and which of them makes room for a new one. At the maximum, and at half of it for one address, the
 * connection that has been idle longest is closed; if none is idle, the new one is refused.
 */
export class ConnectionTable<Connection extends object> {
  private readonly entries = new Map<Connection, Entry<Connection>>();
  private readonly addresses = new Map<string, Group<Connection>>();
  private readonly all = emptyGroup<Connection>();
  private readonly maxOfAddress: number;

  constructor(private readonly limits: ConnectionLimits) {
    this.maxOfAddress = Math.max(1, Math.floor(limits.max / 2));
  }

  get open(): number {
    return this.all.open;
  }

  get idleCount(): number {
    return this.all.idle.size;
  }

  /** Adds a new connection if there is room, or if an idle one can be closed for it, which the caller must do. */
  admit(connection: Connection, name: string): Admission<Connection> {
    const because = this.limitReachedBy(name);
    const closed = because && this.dispensable(because, name);
    if (because && !closed) return { isAdmitted: false, because };
    if (closed) this.remove(closed.connection);
    this.add(connection, name);
    return { isAdmitted: true, ...(closed && { closed }) };
  }

  /** A request has begun on the connection. */
  began(connection: Connection): void {
    const entry = this.entries.get(connection);
    if (!entry) return;
    entry.underWay += 1;
    this.all.idle.delete(connection);
    entry.address.idle.delete(connection);
  }

  /** A request of the connection has been answered, or was given up. */
  ended(connection: Connection): void {
    const entry = this.entries.get(connection);
    if (!entry || entry.underWay === 0) return;
    entry.underWay -= 1;
    if (entry.underWay > 0 || this.all.leaving.has(connection)) return;
    this.all.idle.add(connection);
    entry.address.idle.add(connection);
  }

  /** The client has ended the connection, which will be closed: it is the first that makes room for a new one. */
  left(connection: Connection): void {
    const entry = this.entries.get(connection);
    if (!entry) return;
    this.all.idle.delete(connection);
    entry.address.idle.delete(connection);
    this.all.leaving.add(connection);
    entry.address.leaving.add(connection);
  }

  /** The connection has been closed. */
  remove(connection: Connection): void {
    const entry = this.entries.get(connection);
    if (!entry) return;
    const { address, name } = entry;
    this.entries.delete(connection);
    for (const group of [this.all, address]) {
      group.open -= 1;
      group.idle.delete(connection);
      group.leaving.delete(connection);
    }
    if (address.open === 0) this.addresses.delete(name);
  }

  private limitReachedBy(name: string): LimitReached | undefined {
    const ofAddress = this.addresses.get(name)?.open ?? 0;
    if (ofAddress >= this.maxOfAddress && !this.limits.isShared(name)) return 'address';
    return this.all.open >= this.limits.max ? 'all' : undefined;
  }

  /** Of those at the limit, the one that its client has ended, or else the one that has been idle longest. */
  private dispensable(because: LimitReached, name: string): Closed<Connection> | undefined {
    const { leaving, idle } = because === 'all' ? this.all : this.addresses.get(name)!;
    const hadEnded = leaving.size > 0;
    const [connection] = hadEnded ? leaving : idle;
    return connection && { connection, because, hadEnded };
  }

  private add(connection: Connection, name: string): void {
    let address = this.addresses.get(name);
    if (!address) this.addresses.set(name, (address = emptyGroup()));
    for (const group of [this.all, address]) {
      group.open += 1;
      group.idle.add(connection);
    }
    this.entries.set(connection, { address, name, underWay: 0 });
  }
}

const emptyGroup = <Connection>(): Group<Connection> => ({ open: 0, idle: new Set(), leaving: new Set() });
