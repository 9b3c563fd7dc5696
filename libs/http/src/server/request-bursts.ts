import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { Fifo } from '@coordination/scheduling';

/**
 * How long (ms) requests are carried out as soon as they have been read, in each turn of the event loop; and while others wait.
 * Then turns are short, since libuv accepts one connection for each listening socket in a turn.
 */
const TURN_MS = 20;
const TURN_WHILE_OTHERS_WAIT_MS = 4;

/** How long (ms) requests that wait are carried out in each turn; at least one is. */
const WAITING_MS = 4;

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** What is decided about requests that wait. */
export interface BurstRules {
  /** Whether a request is carried out before others that wait, such as a heartbeat. */
  readonly isUrgent: (request: IncomingMessage) => boolean;
  /** Called for each request that has to wait. */
  readonly onWait: (response: ServerResponse) => void;
}

/**
 * Bounds how long the requests of one turn of the event loop take. After an outage, thousands of clients connect at the same
 * moment, and what they send is read in few turns. If all of it were carried out at once, the requests that arrive afterwards
 * would wait for seconds. What exceeds the time waits, and is carried out in the next turns, a few milliseconds in each; requests
 * that arrive in those turns do not wait for it. Must be called after the only handler was added.
 */
export function boundBursts(server: Server, rules: BurstRules): void {
  const [handle] = server.listeners('request') as [Handle];
  const bursts = new RequestBursts(handle, rules);
  server.removeListener('request', handle);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => bursts.take(request, response));
}

interface WaitingRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

class RequestBursts {
  private readonly urgent = new Fifo<WaitingRequest>();
  private readonly others = new Fifo<WaitingRequest>();
  /** How many requests wait on each connection: a further one must not be carried out before them. */
  private readonly waitingOf = new Map<Socket, number>();
  private turnEndsAtMs: number | undefined;
  private waitingEndAtMs = 0;
  private isArmed = false;

  constructor(
    private readonly handle: Handle,
    private readonly rules: BurstRules,
  ) {}

  take(request: IncomingMessage, response: ServerResponse): void {
    if (!this.isTurnSpent() && !this.waitingOf.has(request.socket)) {
      this.handle(request, response);
      return;
    }
    this.rules.onWait(response);
    const before = this.waitingOf.get(request.socket) ?? 0;
    this.waitingOf.set(request.socket, before + 1);
    const line = before === 0 && this.rules.isUrgent(request) ? this.urgent : this.others;
    line.add({ request, response });
    this.arm();
  }

  private isTurnSpent(): boolean {
    const now = performance.now();
    if (this.turnEndsAtMs !== undefined) return now >= this.turnEndsAtMs;
    this.turnEndsAtMs = now + (this.waitingOf.size > 0 ? TURN_WHILE_OTHERS_WAIT_MS : TURN_MS);
    setImmediate(this.endTurn);
    return false;
  }

  private readonly endTurn = (): void => {
    this.turnEndsAtMs = undefined;
  };

  private arm(): void {
    if (this.isArmed) return;
    this.isArmed = true;
    setImmediate(this.beginWaiting);
  }

  private readonly beginWaiting = (): void => {
    this.isArmed = false;
    this.waitingEndAtMs = performance.now() + WAITING_MS;
    this.carryOutNext();
  };

  private readonly carryOutNext = (): void => {
    const next = this.urgent.shift() ?? this.others.shift();
    if (!next) return;
    const { request, response } = next;
    const { socket } = request;
    const others = this.waitingOf.get(socket)! - 1;
    if (others > 0) this.waitingOf.set(socket, others);
    else this.waitingOf.delete(socket);
    // Nobody reads the response of a client that is gone, and it has not been told that the request was carried out.
    if (!socket.destroyed) this.handle(request, response);
    // What the handler does in microtasks is a part of the time.
    queueMicrotask(this.settle);
  };

  private readonly settle = (): void => process.nextTick(this.goOn);

  private readonly goOn = (): void => {
    if (performance.now() < this.waitingEndAtMs) this.carryOutNext();
    else if (this.urgent.size + this.others.size > 0) this.arm();
  };
}
