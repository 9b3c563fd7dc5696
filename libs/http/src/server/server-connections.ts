import { type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { type FastifyInstance } from 'fastify';

/** How long (ms) a connection stays open that becomes idle while the server closes. Node.js takes 0 for ever. */
const NO_LONGER_KEPT_MS = 1;

/** How long (ms) the rest of a request's head may take to arrive while the server closes: packets of one head come together. */
const LATE_HEAD_MS = 500;

/**
 * The connections of the server, which are kept for a long time and must not hold up its end. Idle ones are closed by
 * Node.js when the server closes. It does not close those on which a request has begun to arrive, or nothing was ever
 * sent (browsers and load balancers open such), and no longer looks for requests that are late by then.
 */
export class ServerConnections {
  private readonly open = new Set<Socket>();
  private readonly underWay = new Set<ServerResponse>();
  /** One function for all answers, which are many. */
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

  /** To be called for each request before it is answered. */
  began(response: ServerResponse): void {
    if (this.isEnding) closeAfter(response);
    this.underWay.add(response);
    response.on('close', this.ended);
  }

  /** The answer that is being given on a connection. */
  answerOn(socket: Socket): ServerResponse | undefined {
    for (const response of this.underWay) if (response.socket === socket) return response;
    return undefined;
  }

  /** Every answer from now on says that it is the last on its connection, so that clients turn to other nodes. */
  beginEnding(): void {
    this.isEnding = true;
    for (const response of this.underWay) closeAfter(response);
  }

  private close(server: Server): void {
    this.beginEnding();
    // For answers that had begun before, and so could not say that they are the last.
    server.keepAliveTimeout = NO_LONGER_KEPT_MS;
    server.keepAliveTimeoutBuffer = 0;
    for (const socket of this.open) if (socket.bytesRead === 0) socket.destroy();
    setTimeout(() => this.closeUnasked(), LATE_HEAD_MS).unref();
  }

  /** Closes connections on which no request is under way, and no answer still to be sent. */
  private closeUnasked(): void {
    const asked = new Set([...this.underWay].map(({ socket }) => socket));
    for (const socket of this.open) if (!asked.has(socket) && socket.writableLength === 0) socket.destroy();
  }
}

/** Makes an answer the last one on its connection, unless it has begun. */
export function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}
