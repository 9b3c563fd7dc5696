import { type Socket } from 'node:net';
import { Client, type ClientConfig } from 'pg';
import { type ConnectionTarget } from '../servers/connection-target.js';
import { tlsOptions } from '../servers/tls-options.js';
import { type Place, type PlacedConnection, type ServerSearch } from '../servers/server-search.js';
import {
  afterReport,
  queryServerState,
  isKnown,
  READ_ONLY_STATE,
  type ServerState,
  UnfitServerError,
  unfitness,
} from '../servers/server-state.js';
import { isSocket } from '../servers/servers.js';
import { type TlsDemand } from '../servers/tls-demand.js';

/** How long (ms) a server may take to close a connection; a silent one would be waited for until the connection breaks. */
const END_PATIENCE_MS = 1_000;

/** Application name of connections that only find out which server answers. */
const SEARCH_APPLICATION = 'platform-coordination server search';

/** Options of a {@link DatabaseClient}. */
export interface DatabaseClientConfig extends ClientConfig {
  readonly target: () => ConnectionTarget;
  /** Where to connect to. Without it, the server is searched for. */
  readonly place?: Place;
  /** How long (ms) making a connection to one server may take; `connectionTimeoutMillis` where it is absent. */
  readonly serverTimeoutMs?: number;
}

/** What `pg` keeps and does not have in its types. */
interface Inside {
  ssl: unknown;
  port: number;
  readonly _ending: boolean;
  readonly connectionParameters: { host: string; port: number };
  readonly connection: PgConnection;
}

interface PgConnection {
  stream: Socket;
  ssl: unknown;
  requestSsl(): void;
  attachListeners(stream: Socket): void;
  emit(event: string): boolean;
  on(event: 'parameterStatus', listener: (report: ParameterReport) => void): void;
  on(event: 'errorMessage', listener: (error: { readonly code?: string }) => void): void;
}

interface ParameterReport {
  readonly parameterName: string;
  readonly parameterValue: string;
}

/**
 * No connection could be made, so no statement was sent: the reason is the state of the server, of the network, or of the
 * settings. The code is that of the reason (an SQLSTATE, or one of Node.js or OpenSSL).
 */
export class ConnectFailedError extends Error {
  override readonly name: string = 'ConnectFailedError';
  readonly code: string | undefined;
  /** Survives where MikroORM makes an error of its own of this one. */
  readonly whileConnecting = true;

  constructor(cause: Error) {
    const { code } = cause as NodeJS.ErrnoException;
    // A host with several addresses fails with an error without a message.
    super(cause.message || code || 'The connection failed.', { cause });
    this.code = code;
  }
}

/**
 * A connection of `pg` that interprets a URL as libpq does: of several servers it finds the one that the URL asks for; it
 * goes on without TLS where the server has none and the mode allows it, checks the name or address of the URL, and reads
 * certificates and password files anew for each connection. It can be cut, its end takes a bounded time, and a connection
 * that breaks does not end the process: callers that wait for an answer get the error.
 */
export class DatabaseClient extends Client implements PlacedConnection {
  private readonly target: ConnectionTarget;
  private readonly serverTimeoutMs: number | undefined;
  /** The server and address that it is connected to, once they have been found. */
  place: Place | undefined;
  private serverState: ServerState = {};
  private isRefusedWrites = false;
  private isSearching = false;

  constructor(private readonly options: DatabaseClientConfig) {
    const { target: targetOf, place, serverTimeoutMs, connectionTimeoutMillis, ...config } = options;
    const target = targetOf();
    const timeoutMs = target.connectTimeoutMs ?? serverTimeoutMs ?? connectionTimeoutMillis;
    const { tls, servers } = target;
    super({
      ...config,
      ...target.config,
      ...servers[0],
      ssl: tls.encryption !== 'none',
      ...negotiation(tls),
      connectionTimeoutMillis: timeoutMs,
    });
    this.target = target;
    this.serverTimeoutMs = timeoutMs;
    this.place = place;
    this.on('error', () => undefined);
    const { connection } = this.inside;
    if (tls.encryption === 'if-offered') goOnWithoutTls(connection);
    connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
      this.serverState = afterReport(this.serverState, parameterName, parameterValue);
      this.dropUnfitPlace();
    });
    connection.on('errorMessage', ({ code }) => {
      if (code === READ_ONLY_STATE) this.isRefusedWrites = true;
      this.dropUnfitPlace();
    });
  }

  /**
   * Whether the server has refused a write, or reports that it accepts none, where the URL asks for one that does: then
   * another connection may lead to such a server, and this one must not be used any longer.
   */
  get isUnfit(): boolean {
    return this.isRefusedWrites || unfitness(this.target.session, this.serverState) !== undefined;
  }

  /** Whether the connection has not been closed or broken. */
  get isOpen(): boolean {
    return !this.inside.connection.stream.destroyed;
  }

  override connect(): Promise<this>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<this> | undefined {
    if (!callback) {
      return new Promise((resolve, reject) => {
        this.attempt(error => (error ? reject(error) : resolve(this)));
      });
    }
    // The callback gets no error where there is none, although the types of `pg` demand one.
    this.attempt(callback as (error?: Error) => void);
    return undefined;
  }

  override end(): Promise<void>;
  override end(callback: (error: Error) => void): void;
  override end(callback?: (error: Error) => void): Promise<void> | undefined {
    const timer = setTimeout(() => this.destroy(), END_PATIENCE_MS).unref();
    this.once('end', () => clearTimeout(timer));
    if (this.isSearching) this.destroy();
    if (!callback) return super.end();
    super.end(callback);
    return undefined;
  }

  /** Drops the connection without a notice to the server. Callers that wait for an answer get an error. */
  destroy(): void {
    this.inside.connection.stream.destroy();
  }

  /** Makes the next connection search for another server. */
  private dropUnfitPlace(): void {
    if (this.place && this.isUnfit) this.target.search?.lost(this.place);
  }

  private attempt(callback: (error?: Error) => void): void {
    const { search, servers } = this.target;
    const finish = (error?: Error) => {
      // Where this side gives up, such as without a password, the server would wait for a minute.
      if (error) this.destroy();
      callback(error && new ConnectFailedError(error));
    };
    if (this.place || !search) this.connectTo(this.place ?? { server: servers[0], address: servers[0].host }, finish);
    else this.searchWith(search, finish);
  }

  private searchWith(search: ServerSearch, finish: (error?: Error) => void): void {
    this.isSearching = true;
    const onClosed = () =>
      endSearch(() => finish(new Error('timeout: the connection was given up while its server was searched for')));
    const endSearch = (then: () => void) => {
      if (!this.isSearching) return;
      this.isSearching = false;
      this.inside.connection.stream.off('close', onClosed);
      then();
    };
    // A pool whose time is up, and callers that end or cut this connection, close its socket.
    this.inside.connection.stream.once('close', onClosed);
    search
      .find(place => this.lookAt(place), this.serverTimeoutMs)
      .then(
        place => endSearch(() => this.connectAndJoin(search, place, finish)),
        (error: Error) => endSearch(() => finish(error)),
      );
  }

  private connectAndJoin(search: ServerSearch, place: Place, finish: (error?: Error) => void): void {
    this.place = place;
    this.connectTo(place, error => {
      if (error) {
        search.lost(place);
        return finish(error);
      }
      search.joined(this);
      this.once('end', () => {
        search.left(this);
        if (!this.inside._ending) search.lost(place);
      });
      finish();
    });
  }

  private async lookAt(place: Place): Promise<void> {
    const client = new DatabaseClient({ ...this.options, place, application_name: SEARCH_APPLICATION });
    await client.connect();
    await client.end();
  }

  private connectTo(place: Place, finish: (error?: Error) => void): void {
    const { inside } = this;
    const { host, port } = place.server;
    this.host = place.address;
    inside.port = port;
    // `pg` finds the password by these.
    Object.assign(inside.connectionParameters, { host, port });
    try {
      // libpq does not use TLS on the sockets of the machine, and the server does not offer it there.
      if (isSocket(place.server)) inside.ssl = inside.connection.ssl = false;
      else if (inside.ssl) inside.connection.ssl = tlsOptions(this.target.tls, place);
    } catch (error) {
      process.nextTick(finish, error);
      return;
    }
    super.connect((error?: Error) => (error ? finish(error) : this.proveFit(finish)));
  }

  private proveFit(finish: (error?: Error) => void): void {
    if (this.target.session === 'any') finish();
    else this.assertFit().then(() => finish(), finish);
  }

  /** @throws UnfitServerError where the server is not one that the URL asks for */
  private async assertFit(): Promise<void> {
    const { session } = this.target;
    if (!isKnown(session, this.serverState)) this.serverState = await queryServerState(this, this.serverTimeoutMs);
    const reason = unfitness(session, this.serverState);
    if (reason !== undefined) throw new UnfitServerError(`The server will not do: ${reason}.`);
  }

  private get inside(): Inside {
    return this as unknown as Inside;
  }
}

/** `pg` has it in no types. */
const negotiation = ({ negotiation: way }: TlsDemand): object => (way === 'direct' ? { sslnegotiation: way } : {});

/** When the server says that it has no TLS, `pg` gives up; libpq goes on in the clear, on the same connection. */
function goOnWithoutTls(connection: PgConnection): void {
  const requestSsl = connection.requestSsl.bind(connection);
  connection.requestSsl = () => {
    const { stream } = connection;
    const [answered] = stream.listeners('data') as ((answer: Buffer) => void)[];
    stream.removeAllListeners('data');
    stream.once('data', (answer: Buffer) => {
      if (answer.toString('latin1') !== 'N') return answered?.(answer);
      connection.attachListeners(stream);
      // From here on the handshake of the protocol is the same.
      connection.emit('sslconnect');
    });
    requestSsl();
  };
}
