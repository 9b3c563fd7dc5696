import { AsyncResource } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Scheduler } from '@coordination/scheduling';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, type onSendHookHandler } from 'fastify';
import { BytesUnderWay } from './bytes-under-way.js';
import { PacedSource } from './paced-source.js';
import { PacedStream } from './paced-stream.js';
import { bodyOf, payloadOf } from './send-body.js';
import { SendPace } from './send-pace.js';
import { SHARED_FROM_BYTES, type SharedBody } from './shared-body.js';

/** Headers that describe the response that was refused, not the error that replaces it. */
const OF_THE_REFUSED = ['etag', 'cache-control', 'content-encoding', 'content-length'];

const FIRST_ERROR_STATUS = 400;

/** Watches write in steps of the scheduler by themselves. */
const EVENT_STREAM = /^text\/event-stream\b/i;

/** A stream that is made from a shared body, such as its compressed form; it holds the body until it has ended. */
export interface MadeFromBody {
  readonly madeFrom: SharedBody;
}

type LargePayload = string | Buffer | Readable;

/**
 * Sends every response above 16 KiB as bytes that are counted ({@link BytesUnderWay}), and those above 128 KiB in slices. Each
 * of them, and each stream of unknown length, begins in a step of the scheduler, and each further slice has a step of its own
 * ({@link SendPace}). Its hook runs after that which compresses.
 */
@Injectable()
export class LargeResponses {
  constructor(
    { httpAdapter }: HttpAdapterHost,
    private readonly underWay: BytesUnderWay,
    private readonly scheduler: Scheduler,
  ) {
    httpAdapter.getInstance<FastifyInstance>().addHook('onSend', this.send);
  }

  private readonly send: onSendHookHandler = (request, reply, payload, done) => {
    // Fastify sends no payload to HEAD, but it would read a stream to its end.
    if (request.method === 'HEAD') return done(null, payload instanceof PacedStream ? Readable.from([]) : payload);
    if (!isLarge(payload, reply) || reply.raw.destroyed) return done(null, payload);
    const body = isMadeFromBody(payload) ? payload.madeFrom : bodyOf(payload);
    let release: (() => void) | undefined;
    try {
      // Errors are not replaced by another one.
      if (body && reply.statusCode < FIRST_ERROR_STATUS) release = this.underWay.hold(body);
    } catch (error) {
      if (payload instanceof Readable) payload.destroy();
      for (const header of OF_THE_REFUSED) void reply.removeHeader(header);
      return done(error as Error);
    }
    const pace = this.paceOf(request);
    reply.raw.once('close', () => {
      release?.();
      pace.end();
    });
    const paced = pacedPayload(payload, body, reply);
    if (paced instanceof PacedStream) paced.paceBy(pace);
    // A step runs outside the context of the request.
    const context = new AsyncResource('LargeResponse');
    pace.next(() => cutIfItThrows(reply, () => context.runInAsyncScope(done, undefined, null, paced)));
  };

  private paceOf({ endpoint, served }: FastifyRequest): SendPace {
    const workClass = endpoint?.work === 'liveness' ? 'liveness' : 'send';
    return new SendPace(this.scheduler, { workClass, client: served?.clientAddress });
  }
}

/** Whether a payload has more than 16 KiB, or may have. */
function isLarge(payload: unknown, reply: FastifyReply): payload is LargePayload {
  if (payload instanceof Readable) return !EVENT_STREAM.test(String(reply.getHeader('content-type')));
  return (typeof payload === 'string' || Buffer.isBuffer(payload)) && payload.length > SHARED_FROM_BYTES;
}

const isMadeFromBody = (payload: LargePayload): payload is Readable & MadeFromBody =>
  typeof payload === 'object' && 'madeFrom' in payload;

/** What is sent instead of a payload, so that it can be sent in steps. */
function pacedPayload(payload: LargePayload, body: SharedBody | undefined, reply: FastifyReply): Buffer | Readable {
  if (payload instanceof Readable) return payload instanceof PacedStream ? payload : new PacedSource(payload);
  return payloadOf(body!, reply);
}

/** Nobody else would end a response that cannot begin, such as one with a header that is not allowed. */
function cutIfItThrows(reply: FastifyReply, begin: () => void): void {
  try {
    begin();
  } catch (error) {
    reply.raw.destroy();
    throw error;
  }
}
