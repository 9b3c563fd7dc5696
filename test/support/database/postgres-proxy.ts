import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { lastingPort } from './lasting-port.js';

/** A statement that the proxy stopped, or the answer to it. */
export interface Interception {
  /** Resolves when the statement (or the server's answer to it) is held. */
  readonly reached: Promise<void>;
  /** Lets it go on. */
  resume(): void;
  /** Cuts the client off; the server too, unless it shall believe that the client is still there. */
  cut(options?: { readonly server?: boolean }): void;
}

interface Trap {
  readonly pattern: RegExp;
  readonly when: 'before' | 'after';
  /** What the connection calls itself, if not every one is meant. */
  readonly application: string | undefined;
  readonly sprung: (connection: Connection) => void;
}

/**
 * A TCP proxy before PostgreSQL that knows enough of the protocol (version 3, without TLS) to tell statements apart: it
 * counts them, holds one of them or its answer, cuts connections, and stops to answer at all.
 */
export class PostgresProxy {
  /** The statements that came by, in their order. */
  readonly statements: string[] = [];
  /** Connections that were hung up on at once. */
  refusals = 0;
  private readonly bySender = new Map<string | undefined, string[]>();
  private readonly connections = new Set<Connection>();
  private traps: Trap[] = [];
  private silent = false;
  private refusing = false;
  private server: Server | undefined;
  private port = 0;

  private constructor(private target: URL) {}

  static async start(databaseUrl: string): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(new URL(databaseUrl));
    await proxy.open();
    return proxy;
  }

  /** The database's URL, through the proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  /** Leads all connections to another server from now on, as a failover does; those that there are are cut. */
  leadTo(databaseUrl: string): void {
    this.target = new URL(databaseUrl);
    for (const connection of this.connections) connection.destroy();
  }

  /**
   * Holds the next statement that matches before it reaches the server, or the answer after it did.
   * @param application of the connection, where others may send such a statement too
   */
  intercept(pattern: RegExp, when: 'before' | 'after', application?: string): Interception {
    const reached = Promise.withResolvers<void>();
    let held: Connection | undefined;
    const sprung = (connection: Connection) => {
      held = connection;
      reached.resolve();
    };
    this.traps.push({ pattern, when, application, sprung });
    return {
      reached: reached.promise,
      resume: () => held?.resume(),
      cut: ({ server = true } = {}) => (server ? held?.destroy() : held?.hangUpOnClient()),
    };
  }

  /** The statements of the connections that call themselves so, in their order. */
  sentBy(application: string): readonly string[] {
    return this.bySender.get(application) ?? [];
  }

  /** Takes a trap for a statement that just came by, if there is one. */
  trapFor(statement: string, sender: string | undefined): Trap | undefined {
    this.statements.push(statement);
    const sent = this.bySender.get(sender);
    if (sent) sent.push(statement);
    else this.bySender.set(sender, [statement]);
    const trap = this.traps.find(
      ({ pattern, application }) => pattern.test(statement) && (application ?? sender) === sender,
    );
    this.traps = this.traps.filter(other => other !== trap);
    return trap;
  }

  /** From now on nothing comes through, in neither direction, and nobody is told; or everything again. */
  setSilent(silent: boolean): void {
    this.silent = silent;
    for (const connection of this.connections) connection.setSilent(silent);
  }

  /** From now on all connections are cut, and new ones as soon as they come; or they are served again. */
  setRefusing(refusing: boolean): void {
    this.refusing = refusing;
    if (refusing) for (const connection of this.connections) connection.destroy();
  }

  /** Cuts all connections and stops to listen, until {@link open}. */
  async shut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    const closed = server && once(server, 'close');
    server?.close();
    for (const connection of this.connections) connection.destroy();
    await closed;
  }

  /** Listens (again), on the same port. */
  async open(): Promise<void> {
    this.server = createServer({ noDelay: true }, client => {
      if (this.refusing) {
        this.refusals++;
        client.destroy();
        return;
      }
      const server = connect({ host: this.target.hostname, port: Number(this.target.port), noDelay: true });
      const connection = new Connection(this, client, server);
      this.connections.add(connection);
      client.on('close', () => this.connections.delete(connection));
      connection.setSilent(this.silent);
    });
    this.port ||= await lastingPort();
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }
}

/** Bytes of a message before its body. */
const HEADER = 5;

/** More than any statement of the service has; parameters, which may be megabytes, come after it. */
const STATEMENT_BYTES = 16_384;

/** One client and its server. What comes from the client is taken message by message. */
class Connection {
  private incoming = Buffer.alloc(0);
  private readonly prepared = new Map<string, string>();
  private application: string | undefined;
  private holds: 'nothing' | 'statements' | 'answers' = 'nothing';
  private heldAnswers: Buffer[] = [];
  private answerComes: (() => void) | undefined;
  private mayPass = false;

  constructor(
    private readonly proxy: PostgresProxy,
    private readonly client: Socket,
    private readonly server: Socket,
  ) {
    client.on('data', chunk => {
      this.incoming = Buffer.concat([this.incoming, chunk]);
      this.forwardStatements();
    });
    server.on('data', chunk => {
      if (this.holds !== 'answers') {
        client.write(chunk);
        return;
      }
      this.heldAnswers.push(chunk);
      this.answerComes?.();
    });
    for (const socket of [client, server]) socket.on('error', () => this.destroy());
    server.on('close', () => client.destroy());
    // While something is held, the server does not hear that the client hung up: so it is when a network breaks.
    client.on('close', () => {
      if (this.holds === 'nothing') server.destroy();
    });
  }

  setSilent(silent: boolean): void {
    for (const socket of [this.client, this.server]) {
      if (silent) socket.pause();
      else socket.resume();
    }
  }

  resume(): void {
    this.holds = 'nothing';
    for (const chunk of this.heldAnswers.splice(0)) this.client.write(chunk);
    this.mayPass = true;
    this.forwardStatements();
  }

  hangUpOnClient(): void {
    this.client.destroy();
  }

  destroy(): void {
    this.client.destroy();
    this.server.destroy();
  }

  private forwardStatements(): void {
    while (this.holds !== 'statements') {
      const message = this.nextMessage();
      if (!message) return;
      const trap = this.mayPass ? undefined : this.trapFor(message);
      this.mayPass = false;
      if (trap?.when === 'before') {
        this.holds = 'statements';
        trap.sprung(this);
        return;
      }
      if (trap) {
        this.holds = 'answers';
        this.answerComes = () => trap.sprung(this);
      }
      this.incoming = this.incoming.subarray(message.length);
      this.server.write(message);
    }
  }

  private nextMessage(): Buffer | undefined {
    // The first message has no type: it begins with the length, whose first byte is zero.
    const typeBytes = this.incoming[0] === 0 ? 0 : 1;
    if (this.incoming.length < HEADER) return undefined;
    const length = this.incoming.readInt32BE(typeBytes) + typeBytes;
    return this.incoming.length < length ? undefined : this.incoming.subarray(0, length);
  }

  private trapFor(message: Buffer): Trap | undefined {
    const type = String.fromCharCode(message[0]!);
    if (type === '\0') this.application = /\0application_name\0([^\0]*)/.exec(message.toString())?.[1];
    const [first = '', second = ''] = message.toString('utf8', HEADER, HEADER + STATEMENT_BYTES).split('\0', 2);
    if (type === 'Q') return this.proxy.trapFor(first, this.application);
    if (type === 'P') this.prepared.set(first, second);
    return type === 'B' ? this.proxy.trapFor(this.prepared.get(second) ?? '', this.application) : undefined;
  }
}
