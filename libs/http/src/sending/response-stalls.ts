import { type Server } from 'node:http';
import { type Socket } from 'node:net';
import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Settings } from '@coordination/config';
import { Clock, systemClock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { LoopDelay } from '@coordination/scheduling';

/** For how long (ms) a client may take nothing of a response. */
export const stallLimit = ({ PCS_RESPONSE_STALL_SECONDS }: Settings) => ({
  limitMs: PCS_RESPONSE_STALL_SECONDS * 1_000,
});

export type StallLimit = ReturnType<typeof stallLimit>;

/** A client is given the limit once more if this process was stalled for a larger part of it. */
const OWN_STALL_SHARE = 0.5;

/** An idle connection is kept for its time once more if this process was stalled within this time (ms). */
const JUST_NOW_MS = 1_000;

/** The least time (ms) between two log lines. */
const LINE_EVERY_MS = 10_000;

/**
 * Closes connections of which the client has taken nothing of the response for the limit, at the latest after twice the limit.
 * The timer is Node's own, which looks at what the kernel has accepted: a client that takes a few bytes now and then keeps its
 * connection. Nothing is to be sent to requests that wait and to watches without changes, so they keep theirs, too.
 */
@Injectable()
export class ResponseStalls {
  private readonly logger = new Logger('Http');
  private readonly server: Server;
  /**
   * The timeout (ms) of connections that are not idle. Node.js gives idle ones another timeout, which is a multiple of a second
   * (or 1 ms while the server closes), and by that they are told apart.
   */
  private readonly timeoutMs: number;
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
    this.server = httpAdapter.getHttpServer() as Server;
    this.timeoutMs = limit.limitMs + 1;
    this.server.setTimeout(this.timeoutMs, socket => this.timedOut(socket));
    metrics.observedCounter(
      'responses_cut_total',
      'Responses that were cut because their client took nothing for PCS_RESPONSE_STALL_SECONDS.',
      () => this.cut,
    );
  }

  /** Must close idle connections: Node.js closes none by itself if there is a listener. */
  private timedOut(socket: Socket): void {
    const isIdle = socket.timeout !== this.timeoutMs;
    const isStalled = socket.writableLength > 0;
    if (!isIdle && !isStalled) return;
    if (isStalled ? this.mayHaveStalledItself() : this.wasJustStalled()) {
      socket.setTimeout(socket.timeout ?? this.timeoutMs);
      return;
    }
    if (isStalled) this.noteCut(socket);
    socket.destroy();
  }

  /** While this process was held up, it could not see what clients took. */
  private mayHaveStalledItself(): boolean {
    const { limitMs } = this.limit;
    return this.loopDelay.stalledMsSince(this.clock.monotonicMs() - limitMs) > limitMs * OWN_STALL_SHARE;
  }

  /** After a stall, Node.js runs timers before it reads what has arrived meanwhile, such as a request on an idle connection. */
  private wasJustStalled(): boolean {
    return this.loopDelay.stalledMsSince(this.clock.monotonicMs() - JUST_NOW_MS) > 0;
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
