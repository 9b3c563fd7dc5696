import { type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { type FastifyInstance } from 'fastify';

/** How long (ms) a connection that becomes idle stays open while the server closes. For Node.js, 0 means for ever. */
const NO_LONGER_KEPT_MS = 1;

/** How long (ms) the rest of the head of a request may take while the server closes: its packets arrive together. */
const LATE_HEAD_MS = 500;

/**
 * The connections of the server, which are kept for a long time and must not delay its end. Node.js closes idle ones when
 * the server closes. It does not close those on which a request has begun to arrive, or nothing was ever sent (browsers and
 * load balancers open such), and does not check request timeouts any more.
 */
export class ServerConnections {
  private readonly open = new Set<Socket>();
  private readonly underWay = new Set<ServerResponse>();
  /** One function for all responses. */
  private readonly ended: (this: ServerResponse) => void;
  private isEnding = false;

  constructor(instance: FastifyInstance) {
    const { open, underWay } = this;
    this.ended = function () {
      underWay.delete(this);
    };
    instance.server.on('connection', (socket: Socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    });
    instance.addHook('preClose', done => {
      this.close(instance.server);
      done();
    });
  }

  /** Must be called for each request before the response. */
  began(response: ServerResponse): void {
    if (this.isEnding) closeAfter(response);
    this.underWay.add(response);
    response.on('close', this.ended);
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
