import { type Server } from 'node:http';
import { type Socket } from 'node:net';
import { Fifo, type Scheduler, type Stepper } from '@coordination/scheduling';

/**
 * How many connections are closed in one turn of the event loop. Most of the work follows the step: Node.js reports that a
 * connection is closed in a later phase of the same turn, and with it the end of its request.
 */
const CLOSED_AT_ONCE = 32;

const OWNER = { workClass: 'hot' } as const;

/** A connection that its client has ended, and what Node.js does then. */
interface Ended {
  readonly socket: Socket;
  readonly listeners: readonly Function[];
}

/**
 * Closes connections that their clients have ended, in steps of the scheduler. When a proxy or a host ends, thousands of
 * connections end at once, and libuv reports all of them in one turn of the event loop: if each were closed at once, with the
 * watch or the waiting read on it, heartbeats would wait behind them.
 *
 * It only puts off what Node.js does by itself. Connections that fail (such as those that are reset) are closed by Node.js.
 */
export class EndedConnections implements Stepper {
  private readonly ended = new Fifo<Ended>();
  private closing = 0;

  private constructor(
    private readonly scheduler: Pick<Scheduler, 'schedule'>,
    private readonly onEnded: (socket: Socket) => void,
  ) {}

  /**
   * Puts off the ends of all connections that a server accepts from now on.
   * @param server has the listeners that Node.js adds for HTTP, but nobody else's for the ends of connections
   * @param onEnded called at once when a client has ended its connection
   */
  static of(
    server: Server,
    scheduler: Pick<Scheduler, 'schedule'>,
    onEnded: (socket: Socket) => void,
  ): EndedConnections {
    const ended = new EndedConnections(scheduler, onEnded);
    server.on('connection', (socket: Socket) => ended.putOff(socket));
    return ended;
  }

  /** How many connections wait to be closed. */
  get size(): number {
    return this.ended.size;
  }

  /** Ends one connection, of those that have waited longest. */
  step(): boolean {
    const ended = this.ended.shift();
    if (ended) this.end(ended);
    return this.ended.size > 0 && this.closing < CLOSED_AT_ONCE;
  }

  private putOff(socket: Socket): void {
    const listeners = socket.listeners('end');
    socket.removeAllListeners('end');
    socket.once('end', () => {
      this.ended.add({ socket, listeners });
      this.onEnded(socket);
      if (this.closing < CLOSED_AT_ONCE) this.scheduler.schedule(this, OWNER);
    });
  }

  private end({ socket, listeners }: Ended): void {
    // Node.js has given the parser of the connection to another one if it has closed this one, or passed it on (CONNECT).
    if (socket.destroyed || !isParsed(socket)) return;
    for (const listener of listeners) listener.call(socket);
    // Node.js would wait for the end of our side to be sent, which closing sends, too.
    if (socket.destroyed || !socket.writableEnded || socket.writableLength > 0) return;
    this.closing += 1;
    socket.once('close', this.closed);
    socket.destroy();
  }

  private readonly closed = (): void => {
    this.closing -= 1;
    if (this.closing === 0 && this.ended.size > 0) this.scheduler.schedule(this, OWNER);
  };
}

const isParsed = (socket: Socket & { readonly parser?: unknown }): boolean => Boolean(socket.parser);
