import { type Server } from 'node:http';
import { type Socket } from 'node:net';
import { Inject, Injectable, Logger, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Settings } from '@coordination/config';
import { Clock, systemClock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { awakeMsSince, LoopDelay } from '@coordination/scheduling';

/** For how long (ms) a client may take nothing of a response. */
export const stallLimit = ({ PCS_RESPONSE_STALL_SECONDS }: Settings) => ({
  limitMs: PCS_RESPONSE_STALL_SECONDS * 1_000,
});

export type StallLimit = ReturnType<typeof stallLimit>;

/** Connections are looked at so many times within the limit, and at least so often (ms). */
const LOOKS_WITHIN_LIMIT = 4;
const LOOK_EVERY_MS = 5_000;

/** Of very many stalled connections so many are closed in one turn of the event loop, and the next ones after so long (ms). */
const CUT_AT_ONCE = 20;
const CUT_PAUSE_MS = 10;

/** An idle connection is kept for its time once more if this process was stalled within this time (ms). */
const JUST_NOW_MS = 1_000;

/** The least time (ms) between two log lines. */
const LINE_EVERY_MS = 10_000;

/** How far the response of a connection has got, and since when (ms, monotonic) at least. */
interface Progress {
  /** Bytes that the service has written. */
  readonly written: number;
  /** Of the bytes handed to libuv, those that the kernel has not accepted. */
  readonly queued: number;
  readonly sinceMs: number;
}

/**
 * Closes connections of which the client has taken nothing of the response for the limit, at the latest after one and a half
 * times the limit. What counts is what the kernel has accepted: a client that takes a few bytes now and then keeps its
 * connection. What the client sends does not count; it would restart the timers that Node.js has for sockets. Nothing is to be
 * sent to requests that wait and to watches without changes, so these keep their connections. Time in which this process was
 * stalled does not count.
 */
@Injectable()
export class ResponseStalls implements OnApplicationShutdown {
  private readonly logger = new Logger('Http');
  private readonly open = new Set<Socket>();
  private readonly unsent = new WeakMap<Socket, Progress>();
  private readonly timer: NodeJS.Timeout;
  private more: NodeJS.Timeout | undefined;
  private cut = 0;
  private unreported = 0;
  private lastLineMs = -Infinity;

  constructor(
    { httpAdapter }: HttpAdapterHost,
    @Inject(stallLimit) private readonly limit: StallLimit,
    private readonly loopDelay: LoopDelay,
    metrics: Metrics,
    @Optional() private readonly clock: Clock = systemClock,
  ) {
    const server = httpAdapter.getHttpServer() as Server;
    server.on('connection', (socket: Socket) => {
      this.open.add(socket);
      socket.once('close', () => this.open.delete(socket));
    });
    // Only idle connections have a timer of Node.js (keepAliveTimeout).
    server.setTimeout(0, socket => this.idleTooLong(socket));
    this.timer = setInterval(() => this.look(), Math.min(LOOK_EVERY_MS, limit.limitMs / LOOKS_WITHIN_LIMIT)).unref();
    metrics.observedCounter(
      'responses_cut_total',
      'Responses that were cut because their client took nothing for PCS_RESPONSE_STALL_SECONDS.',
      () => this.cut,
    );
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    clearTimeout(this.more);
  }

  /** Closes the connections whose clients have taken nothing for the limit. */
  look(): void {
    clearTimeout(this.more);
    let cut = 0;
    for (const socket of this.open) {
      if (socket.writableLength === 0) this.unsent.delete(socket);
      else if (this.isStalled(socket)) {
        this.noteCut(socket);
        socket.destroy();
        if (++cut === CUT_AT_ONCE) {
          this.more = setTimeout(() => this.look(), CUT_PAUSE_MS).unref();
          return;
        }
      }
    }
  }

  private isStalled(socket: Socket): boolean {
    const { bytesWritten: written } = socket;
    const queued = queuedBytes(socket);
    const before = this.unsent.get(socket);
    if (before?.written === written && before.queued === queued) {
      return awakeMsSince(this.loopDelay, before.sinceMs, this.clock) >= this.limit.limitMs;
    }
    this.unsent.set(socket, { written, queued, sinceMs: this.clock.monotonicMs() });
    return false;
  }

  /** Must close the connection: Node.js closes none by itself if there is a listener. */
  private idleTooLong(socket: Socket): void {
    // After a stall, Node.js runs timers before it reads what has arrived meanwhile, such as a request on this connection.
    const wasJustStalled = this.loopDelay.stalledMsSince(this.clock.monotonicMs() - JUST_NOW_MS) > 0;
    if (wasJustStalled) socket.setTimeout(socket.timeout ?? 0);
    else socket.destroy();
  }

  private noteCut({ remoteAddress }: Socket): void {
    this.cut += 1;
    this.unreported += 1;
    const now = this.clock.monotonicMs();
    if (now - this.lastLineMs < LINE_EVERY_MS) return;
    this.lastLineMs = now;
    this.logger.warn(
      `Cut ${this.unreported} response(s) since the last such line: the client took nothing for ${this.limit.limitMs / 1_000} s (PCS_RESPONSE_STALL_SECONDS). The last client was ${remoteAddress ?? 'gone'}.`,
    );
    this.unreported = 0;
  }
}

/**
 * The bytes of a socket that libuv has and the kernel has not accepted. Node.js tells a write that goes on from one that does not
 * by the same number, but has no public property for it: `bytesWritten` and `writableLength` change only with whole writes.
 */
function queuedBytes(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { readonly writeQueueSize?: number } | null };
  return handle?.writeQueueSize ?? 0;
}
