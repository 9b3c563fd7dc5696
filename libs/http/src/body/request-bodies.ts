import { Inject, Injectable, Optional } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { memoryShares, type Settings } from '@coordination/config';
import { OverloadedError } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { inNextSlice, Scheduler } from '@coordination/scheduling';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { clientNetworkOf } from '../admission/client-network.js';

/** The most bytes that bodies of requests may have at once. */
export const requestBodiesLimit = (settings: Settings) => ({ maxBytes: memoryShares(settings).requestBodies });

export type RequestBodiesLimit = ReturnType<typeof requestBodiesLimit>;

/** Larger bodies (bytes) are refused sooner: the single registrations of others still find room. */
const SMALL_BYTES = 16 * 1024;
const SHARE_OF_LARGE = 3 / 4;

/** One client may have this part of what all may have. */
const SHARE_OF_CLIENT = 1 / 2;

/** Larger bodies (bytes) are parsed in a slice of the scheduler. */
const PARSED_AT_ONCE_BYTES = 8 * 1024;

/** Callers that were refused return after 1 to so many seconds, so that they do not all return at once. */
const RETRY_WITHIN_SECONDS = 5;

declare module 'fastify' {
  interface FastifyInstance {
    /** Absent in applications without {@link RequestBodies}. */
    requestBodies: RequestBodies | null;
  }
}

/** What a request has of the bytes of all bodies. */
export interface HeldBody {
  readonly client: string;
  bytes: number;
  /** The response has been sent, or the connection is closed. */
  isOver: boolean;
}

/**
 * Bounds the bytes that bodies of requests take, from the first byte until the response has been sent, and runs the parsers of
 * larger ones in slices of the scheduler. Bytes count when they arrive: a client that announces a large body and does not send
 * it takes nothing. A client network has half of the bytes at most, and bodies above 16 KiB have three quarters. A body that is the
 * only one is always admitted: its route has a limit.
 */
@Injectable()
export class RequestBodies {
  private readonly byClient = new Map<string, number>();
  private bytes = 0;
  private refusals = 0;

  /** @param random from 0 up to, but not including, 1 */
  constructor(
    { httpAdapter }: HttpAdapterHost,
    private readonly scheduler: Scheduler,
    @Inject(requestBodiesLimit) private readonly limit: RequestBodiesLimit,
    metrics: Metrics,
    @Optional() private readonly random: () => number = Math.random,
  ) {
    httpAdapter.getInstance<FastifyInstance>().requestBodies = this;
    metrics.observedGauge(
      'request_body_bytes',
      'Bytes of request bodies whose response has not been sent yet.',
      () => this.bytes,
    );
    metrics.observedGauge(
      'request_body_bytes_limit',
      'The most bytes that request bodies may have at once.',
      () => limit.maxBytes,
    );
    metrics.observedCounter(
      'request_bodies_refused_total',
      'Requests that were refused because request bodies had too many bytes.',
      () => this.refusals,
    );
  }

  /** Bytes of bodies whose response has not been sent yet. */
  get byteLength(): number {
    return this.bytes;
  }

  /** Begins to count the bytes of a request, until its response is sent or its connection is closed. */
  hold({ served, raw }: FastifyRequest): HeldBody {
    const held: HeldBody = { client: clientNetworkOf(served?.clientAddress ?? null), bytes: 0, isOver: false };
    const { response } = served ?? {};
    if (!response || raw.destroyed) held.isOver = true;
    else response.once('close', () => this.release(held));
    return held;
  }

  /** Counts bytes that have arrived. @throws OverloadedError when there is no room for them */
  add(held: HeldBody, bytes: number): void {
    if (held.isOver) return;
    const { maxBytes } = this.limit;
    const own = held.bytes + bytes;
    const room = own > SMALL_BYTES ? maxBytes * SHARE_OF_LARGE : maxBytes;
    const ofClient = (this.byClient.get(held.client) ?? 0) + bytes;
    const isAlone = this.bytes === held.bytes;
    if (!isAlone && (this.bytes + bytes > room || ofClient > room * SHARE_OF_CLIENT)) {
      this.refusals += 1;
      throw new OverloadedError(1 + Math.floor(this.random() * RETRY_WITHIN_SECONDS));
    }
    held.bytes = own;
    this.bytes += bytes;
    this.byClient.set(held.client, ofClient);
  }

  /** Runs a parser at once, or in a slice if the body is not small. */
  async parse({ served, endpoint }: FastifyRequest, bytes: Buffer, parse: () => void): Promise<void> {
    if (bytes.length <= PARSED_AT_ONCE_BYTES) {
      parse();
      return;
    }
    await inNextSlice(this.scheduler, { workClass: endpoint?.work ?? 'write', client: served?.clientAddress }, parse);
  }

  private release(held: HeldBody): void {
    const { client, bytes } = held;
    held.isOver = true;
    this.bytes -= bytes;
    const others = (this.byClient.get(client) ?? 0) - bytes;
    if (others > 0) this.byClient.set(client, others);
    else this.byClient.delete(client);
  }
}
