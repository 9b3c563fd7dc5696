import { type Socket } from 'node:net';
import { Client, type ClientConfig } from 'pg';
import { type ConnectionTarget } from '../servers/connection-target.js';
import { tlsOptions } from '../servers/tls-options.js';
import { type Place, type PlacedConnection, type ServerSearch } from '../servers/server-search.js';
import {
  afterReport,
  askStanding,
  isKnown,
  READ_ONLY_STATE,
  type Standing,
  UnfitServerError,
  unfitness,
} from '../servers/server-standing.js';
import { isSocket } from '../servers/servers.js';
import { type TlsDemand } from '../servers/tls-demand.js';

/** How long (ms) a server may take to say goodbye; one that says nothing would be waited for until the connection breaks. */
const END_PATIENCE_MS = 1_000;

/** What a connection calls itself that only looks which server it is. */
const SEARCH_APPLICATION = 'platform-coordination server search';

/** Options of a {@link DatabaseClient}. */
export interface DatabaseClientConfig extends ClientConfig {
  readonly target: () => ConnectionTarget;
  /** Where to connect to. Without it, it is looked for. */
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
 * No connection could be made, so no statement was sent: whatever the reason is, it is the state of the server, of the
 * network between, or of the settings. The code is that of the reason (an SQLSTATE, or one of Node.js or OpenSSL).
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
 * A connection of `pg` that takes a URL to mean what libpq takes it to mean: of several servers it finds the one that the URL
 * asks for; it can go on without TLS where the server has none and the mode lets it, checks the name or address of the URL,
 * and reads certificates and password files anew for each connection. It can be cut, its end takes a bounded time, and a
 * connection that breaks does not end the process: whoever waits for an answer gets the error.
 */
export class DatabaseClient extends Client implements PlacedConnection {
  private readonly target: ConnectionTarget;
  private readonly serverTimeoutMs: number | undefined;
  /** Where it leads, once it has been found. */
  place: Place | undefined;
  private standing: Standing = {};
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
      this.standing = afterReport(this.standing, parameterName, parameterValue);
      this.noteWhetherMisled();
    });
    connection.on('errorMessage', ({ code }) => {
      if (code === READ_ONLY_STATE) this.isRefusedWrites = true;
      this.noteWhetherMisled();
    });
  }

  /**
   * Whether the server has refused a write, or says that it takes none, where one is asked for that does: then another
   * connection may lead to one that does, and this one is not to be used any longer.
   */
  get isMisled(): boolean {
    return this.isRefusedWrites || unfitness(this.target.session, this.standing) !== undefined;
  }

  override connect(): Promise<this>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<this> | undefined {
    if (!callback) {
      return new Promise((resolve, reject) => {
        this.attempt(error => (error ? reject(error) : resolve(this)));
      });
    }
    // Whoever is called back gets nothing where nothing is wrong, whatever the types of `pg` say.
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

  /** Drops the connection without a word to the server. Whoever waits for an answer gets an error. */
  destroy(): void {
    this.inside.connection.stream.destroy();
  }

  /** So that whoever connects next looks for another server. */
  private noteWhetherMisled(): void {
    if (this.place && this.isMisled) this.target.search?.lost(this.place);
  }

  private attempt(callback: (error?: Error) => void): void {
    const { search, servers } = this.target;
    const told = (error?: Error) => {
      // Where it is this side that gives up, such as for want of a password, the server would wait for a minute.
      if (error) this.destroy();
      callback(error && new ConnectFailedError(error));
    };
    if (this.place || !search) this.connectTo(this.place ?? { server: servers[0], address: servers[0].host }, told);
    else this.searchWith(search, told);
  }

  private searchWith(search: ServerSearch, told: (error?: Error) => void): void {
    this.isSearching = true;
    const gaveUp = () =>
      over(() => told(new Error('timeout: the connection was given up while its server was searched for')));
    const over = (then: () => void) => {
      if (!this.isSearching) return;
      this.isSearching = false;
      this.inside.connection.stream.off('close', gaveUp);
      then();
    };
    // A pool whose time is up, and whoever ends or cuts this connection, closes its socket.
    this.inside.connection.stream.once('close', gaveUp);
    search
      .find(place => this.lookAt(place), this.serverTimeoutMs)
      .then(
        place => over(() => this.connectAndJoin(search, place, told)),
        (error: Error) => over(() => told(error)),
      );
  }

  private connectAndJoin(search: ServerSearch, place: Place, told: (error?: Error) => void): void {
    this.place = place;
    this.connectTo(place, error => {
      if (error) {
        search.lost(place);
        return told(error);
      }
      search.joined(this);
      this.once('end', () => {
        search.left(this);
        if (!this.inside._ending) search.lost(place);
      });
      told();
    });
  }

  private async lookAt(place: Place): Promise<void> {
    const client = new DatabaseClient({ ...this.options, place, application_name: SEARCH_APPLICATION });
    await client.connect();
    await client.end();
  }

  private connectTo(place: Place, told: (error?: Error) => void): void {
    const { inside } = this;
    const { host, port } = place.server;
    this.host = place.address;
    inside.port = port;
    // What passwords are looked for by.
    Object.assign(inside.connectionParameters, { host, port });
    try {
      // libpq does not use TLS on the sockets of the machine, and the server does not offer it there.
      if (isSocket(place.server)) inside.ssl = inside.connection.ssl = false;
      else if (inside.ssl) inside.connection.ssl = tlsOptions(this.target.tls, place);
    } catch (error) {
      process.nextTick(told, error);
      return;
    }
    super.connect((error?: Error) => (error ? told(error) : this.proveFit(told)));
  }

  private proveFit(told: (error?: Error) => void): void {
    if (this.target.session === 'any') told();
    else this.assertFit().then(() => told(), told);
  }

  /** @throws UnfitServerError where the server is not one that the URL asks for */
  private async assertFit(): Promise<void> {
    const { session } = this.target;
    if (!isKnown(session, this.standing)) this.standing = await askStanding(this, this.serverTimeoutMs);
    const reason = unfitness(session, this.standing);
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
