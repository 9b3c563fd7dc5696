import { type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { canonicalAddress, OverloadedError } from '@coordination/kernel';
import { Fifo, type QueueEntry, type Scheduler } from '@coordination/scheduling';
import { type FastifyInstance } from 'fastify';
import { type ConnectionLimits, ConnectionTable, type LimitReached } from './connection-table.js';
import { type CrowdedEvent } from './connection-lines.js';
import { EndedConnections } from './ended-connections.js';

/** How long (ms) a connection that becomes idle stays open while the server closes. For Node.js, 0 means for ever. */
const NO_LONGER_KEPT_MS = 1;

/** How long (ms) the rest of the head of a request may take while the server closes: its packets arrive together. */
const LATE_HEAD_MS = 500;

/** How many refused connections may wait for their request, so that it gets a response; further ones are just closed. */
const MOST_REFUSED = 32;

/** How long (ms) a refused connection may take to send its request and to read the response. */
const REFUSED_FOR_MS = 2_000;

/** The longest time (s) after which a refused caller may try again. */
const RETRY_WITHIN_SECONDS = 5;

/** What the connections need beside the server. */
export interface ConnectionRules extends ConnectionLimits {
  readonly noteCrowded?: (event: CrowdedEvent, because: LimitReached) => void;
}

/** The property of a response that says where it is among those under way. */
const UNDER_WAY = Symbol('under way');

type TrackedResponse = ServerResponse & { [UNDER_WAY]?: QueueEntry<ServerResponse> | undefined };

/** How many connections were closed or refused at a limit since the start. */
export type CrowdedCounts = Record<CrowdedEvent, Record<LimitReached, number>>;

/**
 * The connections of the server, which are kept for a long time. At the maximum an idle one makes room for a new one. And they
 * must not delay the end of the server: Node.js closes idle ones when the server closes, but not those on which a request has
 * begun to arrive, or nothing was ever sent (browsers and load balancers open such), and does not check request timeouts any
 * more.
 */
export class ServerConnections {
  private readonly open = new Set<Socket>();
  private readonly refused = new Set<Socket>();
  private readonly underWay = new Fifo<ServerResponse>();
  private readonly table: ConnectionTable<Socket>;
  private readonly crowded: CrowdedCounts = { closed: { address: 0, all: 0 }, refused: { address: 0, all: 0 } };
  /** One function for all responses. */
  private readonly ended: (this: TrackedResponse) => void;
  private isEnding = false;

  constructor(
    private readonly instance: FastifyInstance,
    private readonly rules: ConnectionRules,
  ) {
    this.table = new ConnectionTable(rules);
    const { open, underWay, table } = this;
    this.ended = function () {
      underWay.delete(this[UNDER_WAY]!);
      table.ended(this.req.socket);
    };
    instance.server.on('connection', (socket: Socket) => {
      open.add(socket);
      socket.on('close', () => {
        open.delete(socket);
        table.remove(socket);
      });
      this.admit(socket);
    });
    instance.addHook('preClose', done => {
      this.close(instance.server);
      done();
    });
  }

  /** How many may be open, how many are, how many of them have no request under way, and what happened at the limit. */
  get state(): { readonly max: number; readonly open: number; readonly idle: number; readonly crowded: CrowdedCounts } {
    const { table, crowded } = this;
    return { max: this.rules.max, open: table.open, idle: table.idleCount, crowded };
  }

  /** From now on, connections that their clients have ended are closed in steps of a scheduler. */
  endInSteps(scheduler: Pick<Scheduler, 'schedule'>): void {
    EndedConnections.of(this.instance.server, scheduler, socket => this.table.left(socket));
  }

  /** Must be called for each request before the response. */
  began(response: TrackedResponse): void {
    if (response[UNDER_WAY]) return;
    if (this.isEnding) closeAfter(response);
    response[UNDER_WAY] = this.underWay.add(response);
    this.table.began(response.req.socket);
    response.on('close', this.ended);
  }

  /** @throws OverloadedError for a request on a connection for which there was no room */
  refuseCrowded(response: ServerResponse): void {
    if (this.refused.size === 0 || !this.refused.has(response.req.socket)) return;
    closeAfter(response);
    throw new OverloadedError(1 + Math.floor(Math.random() * RETRY_WITHIN_SECONDS));
  }

  /** The response that is being sent on a connection. */
  answerOn(socket: Socket): ServerResponse | undefined {
    for (const response of this.underWay) if (response.socket === socket) return response;
    return undefined;
  }

  /** From now on every response closes its connection, so that clients turn to other nodes. */
  beginEnding(): void {
    this.isEnding = true;
    for (const response of this.underWay) closeAfter(response);
  }

  private admit(socket: Socket): void {
    const address = socket.remoteAddress;
    // The client has closed it already.
    if (address === undefined) return;
    const admission = this.table.admit(socket, canonicalAddress(address) ?? address);
    if (!admission.isAdmitted) {
      this.noteCrowded('refused', admission.because);
      this.refuse(socket);
    } else if (admission.closed) {
      const { connection, because, hadEnded } = admission.closed;
      if (!hadEnded) this.noteCrowded('closed', because);
      connection.destroy();
    }
  }

  private refuse(socket: Socket): void {
    if (this.refused.size >= MOST_REFUSED) {
      socket.destroy();
      return;
    }
    this.refused.add(socket);
    const timer = setTimeout(() => socket.destroy(), REFUSED_FOR_MS).unref();
    socket.on('close', () => {
      clearTimeout(timer);
      this.refused.delete(socket);
    });
  }

  private noteCrowded(event: CrowdedEvent, because: LimitReached): void {
    this.crowded[event][because] += 1;
    this.rules.noteCrowded?.(event, because);
  }

  private close(server: Server): void {
    this.beginEnding();
    // For responses that had begun before, and therefore have no `Connection: close`.
    server.keepAliveTimeout = NO_LONGER_KEPT_MS;
    server.keepAliveTimeoutBuffer = 0;
    for (const socket of this.open) if (socket.bytesRead === 0) socket.destroy();
    setTimeout(() => this.closeIdle(), LATE_HEAD_MS).unref();
  }

  /** Closes connections without a request under way and without unsent bytes. */
  private closeIdle(): void {
    const asked = new Set([...this.underWay].map(({ socket }) => socket));
    for (const socket of this.open) if (!asked.has(socket) && socket.writableLength === 0) socket.destroy();
  }
}

/** Makes a response the last one on its connection, unless it has begun. */
export function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}
