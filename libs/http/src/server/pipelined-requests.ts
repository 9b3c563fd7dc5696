import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';

/**
 * How many requests of one connection are carried out at once. Browsers and HTTP libraries send the next request after the
 * response, so more than one is rare.
 */
const AT_ONCE = 8;

/**
 * From so many waiting requests on, nothing is read from a connection until few of them are left. What has been read already,
 * at most 64 KiB, is parsed all the same.
 */
const PAUSED_FROM = 32;
const READ_AGAIN_BELOW = AT_ONCE;

/**
 * How many requests of all connections may wait. Each takes some kilobytes, and one read of 64 KiB brings up to 3,600. Above it,
 * a connection of which several wait is closed when a further request arrives on it.
 */
const WAITING_MAX = 4_000;

/** The return value of the listener of Node.js's parser that ends the parsing of what has been read. */
const PARSE_NO_FURTHER = 2;

/** What the parser of a connection calls for each request, beside other members (internal to Node.js). */
interface ParsedSocket extends Socket {
  readonly parser?: { onIncoming: (request: IncomingMessage, keepAlive: boolean) => number } | null;
}

/** How many requests of all connections of a server wait. */
interface AllWaiting {
  count: number;
}

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Bounds what a client can make of one connection by sending requests without waiting for responses (pipelining, RFC 9112,
 * section 9.3.2). Node.js would pass all of them to the handler as soon as they are parsed, hundreds in one turn of the event
 * loop. Here few are carried out at once, in the order of their arrival; the others wait, each for the end of an earlier
 * response and for a turn of the event loop. If very many wait, connections with several of them are closed. Must be called after
 * the only handler was added.
 */
export function boundPipelining(server: Server): void {
  const [handle] = server.listeners('request') as [Handle];
  const lines = new WeakMap<Socket, PipelinedRequests>();
  const all: AllWaiting = { count: 0 };
  server.removeListener('request', handle);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    // The response of a request that follows others has no socket until theirs have been sent.
    if (response.socket) return handle(request, response);
    const { socket } = request;
    let line = lines.get(socket);
    if (!line) lines.set(socket, (line = new PipelinedRequests(socket, handle, all)));
    line.add(request, response);
  });
}

/** The requests of one connection that arrived before the responses to earlier ones had been sent. */
class PipelinedRequests {
  private readonly waiting: [request: IncomingMessage, response: ServerResponse][] = [];
  private underWay = 0;
  private isArmed = false;
  private isPaused = false;

  constructor(
    private readonly socket: Socket,
    private readonly handle: Handle,
    private readonly all: AllWaiting,
  ) {
    this.boundParser();
    socket.once('close', () => {
      all.count -= this.waiting.length;
      this.waiting.length = 0;
    });
    // Node.js resumes reading with each message that has been read to its end.
    socket.on('resume', () => {
      if (this.isPaused) socket.pause();
    });
  }

  add(request: IncomingMessage, response: ServerResponse): void {
    this.waiting.push([request, response]);
    this.all.count += 1;
    if (!this.isArmed) this.begin();
    if (this.waiting.length < PAUSED_FROM) return;
    this.isPaused = true;
    this.socket.pause();
  }

  /**
   * Between two reads a connection can be paused, but what one read has brought is parsed at once. Many connections that bring
   * thousands of requests each in one turn of the event loop would take more memory than the process has.
   */
  private boundParser(): void {
    const { socket, all } = this;
    const { parser } = socket as ParsedSocket;
    if (!parser) return;
    const { onIncoming } = parser;
    parser.onIncoming = (request, keepAlive) => {
      if (all.count < WAITING_MAX || this.waiting.length < AT_ONCE) return onIncoming(request, keepAlive);
      socket.destroy();
      return PARSE_NO_FURTHER;
    };
  }

  private begin(): void {
    while (this.underWay < AT_ONCE) {
      const next = this.waiting.shift();
      if (next) this.all.count -= 1;
      // If the client is gone, nobody reads the response, and it has not been told that the request was carried out.
      if (!next || this.socket.destroyed) break;
      this.underWay += 1;
      const [request, response] = next;
      response.once('close', this.ended);
      this.handle(request, response);
    }
    if (!this.isPaused || this.waiting.length >= READ_AGAIN_BELOW) return;
    this.isPaused = false;
    this.socket.resume();
  }

  private readonly ended = (): void => {
    this.underWay -= 1;
    if (this.isArmed || this.waiting.length === 0) return;
    this.isArmed = true;
    setImmediate(() => {
      this.isArmed = false;
      this.begin();
    });
  };
}
