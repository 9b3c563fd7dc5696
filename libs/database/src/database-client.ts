import { readFileSync } from 'node:fs';
import { type Socket } from 'node:net';
import { type ConnectionOptions, getCACertificates } from 'node:tls';
import { Client, type ClientConfig } from 'pg';
import { type TlsDemand } from './tls-demand.js';

/** How long (ms) a server may take to say goodbye; one that says nothing would be waited for until the connection breaks. */
const END_PATIENCE_MS = 1_000;

/** Options of a {@link DatabaseClient}. */
export interface DatabaseClientConfig extends ClientConfig {
  readonly tls: TlsDemand;
}

/** What `pg` keeps and does not have in its types. */
interface Inside {
  ssl: unknown;
  readonly connection: PgConnection;
}

interface PgConnection {
  stream: Socket;
  ssl: unknown;
  requestSsl(): void;
  attachListeners(stream: Socket): void;
  emit(event: string): boolean;
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
 * A connection of `pg` that takes TLS to mean what libpq takes it to mean: it can go on without TLS where the server has
 * none and the mode lets it, checks the name or address of the URL, and reads certificates anew for each connection. It can
 * be cut, its end takes a bounded time, and a connection that breaks does not end the process: whoever waits for an answer
 * gets the error.
 */
export class DatabaseClient extends Client {
  private readonly tls: TlsDemand;

  constructor({ tls, ...config }: DatabaseClientConfig) {
    super({ ...config, ssl: tls.encryption !== 'none', ...negotiation(tls) });
    this.tls = tls;
    this.on('error', () => undefined);
    // libpq does not use TLS on the sockets of the machine, and the server does not offer it there.
    if (this.host.startsWith('/')) this.inside.ssl = this.inside.connection.ssl = false;
    else if (tls.encryption === 'if-offered') goOnWithoutTls(this.inside.connection);
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
    if (!callback) return super.end();
    super.end(callback);
    return undefined;
  }

  /** Drops the connection without a word to the server. Whoever waits for an answer gets an error. */
  destroy(): void {
    this.inside.connection.stream.destroy();
  }

  private attempt(callback: (error?: Error) => void): void {
    const { inside } = this;
    try {
      if (inside.ssl) inside.connection.ssl = tlsOptions(this.tls, this.host);
    } catch (error) {
      process.nextTick(callback, new ConnectFailedError(error as Error));
      return;
    }
    super.connect((error?: Error) => {
      // Where it is this side that gives up, such as for want of a password, the server would wait for a minute.
      if (error) this.destroy();
      callback(error && new ConnectFailedError(error));
    });
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

/** @throws Error that names the file that cannot be read */
function tlsOptions(tls: TlsDemand, host: string): ConnectionOptions {
  const { check } = tls;
  const files = {
    ca: read(tls.rootCertFile, 'sslrootcert'),
    cert: read(tls.certFile, 'sslcert'),
    key: read(tls.keyFile, 'sslkey'),
  };
  const options = Object.fromEntries(Object.entries(files).filter(([, content]) => content !== undefined));
  if (check === 'nothing') return { ...options, rejectUnauthorized: false };
  // Without it an address in the URL would be checked as if it were `localhost`.
  if (check === 'host') return { ...options, host };
  return { ...options, ca: files.ca ?? ownRoots(), checkServerIdentity: () => undefined };
}

/**
 * Who is trusted where the name of the server is not checked and no file is named. Never the public authorities: anybody
 * can have a certificate of theirs, for a name of his own.
 */
function ownRoots(): string[] {
  const roots = getCACertificates('extra');
  if (roots.length > 0) return roots;
  throw new Error(
    'sslmode=verify-ca needs to be told whom to trust: sslrootcert=<file> in the URL of the database, or NODE_EXTRA_CA_CERTS.',
  );
}

function read(path: string | null, parameter: string): string | undefined {
  if (path === null) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = `The file that ${parameter} in the URL of the database names cannot be read (${code}).`;
    throw Object.assign(new Error(message, { cause: error }), { code });
  }
}
