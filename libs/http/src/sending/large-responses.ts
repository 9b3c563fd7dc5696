import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance, type onSendHookHandler } from 'fastify';
import { BytesUnderWay } from './bytes-under-way.js';
import { bodyOf, payloadOf } from './send-body.js';
import { SHARED_FROM_BYTES, SharedBody } from './shared-body.js';

/** Headers that describe the response that was refused, not the error that replaces it. */
const OF_THE_REFUSED = ['etag', 'cache-control', 'content-encoding', 'content-length'];

const FIRST_ERROR_STATUS = 400;

/** A stream that is made from a shared body, such as its compressed form; it holds the body until it has ended. */
export interface MadeFromBody {
  readonly madeFrom: SharedBody;
}

/**
 * Sends every response above 16 KiB as bytes that are counted ({@link BytesUnderWay}), and those above 128 KiB in slices. Its
 * hook runs after that which compresses. Streams of unknown length wait for their clients anyway.
 */
@Injectable()
export class LargeResponses {
  constructor(
    { httpAdapter }: HttpAdapterHost,
    private readonly underWay: BytesUnderWay,
  ) {
    httpAdapter.getInstance<FastifyInstance>().addHook('onSend', this.send);
  }

  private readonly send: onSendHookHandler = (request, reply, payload, done) => {
    const body = largeBodyOf(payload);
    // To HEAD, Fastify sends nothing of the payload. Errors are not replaced by another one.
    const isExempt = request.method === 'HEAD' || reply.statusCode >= FIRST_ERROR_STATUS;
    if (!body || isExempt || reply.raw.destroyed) return done(null, payload);
    try {
      reply.raw.once('close', this.underWay.hold(body));
    } catch (error) {
      if (payload instanceof Readable) payload.destroy();
      for (const header of OF_THE_REFUSED) void reply.removeHeader(header);
      return done(error as Error);
    }
    done(null, payload instanceof Readable ? payload : payloadOf(body, reply));
  };
}

/** The body of a response above 16 KiB; undefined for smaller ones, and for streams of unknown length. */
function largeBodyOf(payload: unknown): SharedBody | undefined {
  const isSmall = (typeof payload === 'string' || Buffer.isBuffer(payload)) && payload.length <= SHARED_FROM_BYTES;
  if (isSmall) return undefined;
  return isMadeFromBody(payload) ? payload.madeFrom : bodyOf(payload);
}

const isMadeFromBody = (payload: unknown): payload is Readable & MadeFromBody =>
  payload instanceof Readable && 'madeFrom' in payload;
