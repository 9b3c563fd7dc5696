import { pipeline, Readable, type Transform } from 'node:stream';
import {
  type DoneFuncWithErrOrRes,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type onSendHookHandler,
} from 'fastify';
import { isVersionTag, weakened } from '../headers/etag.js';
import { addVary } from '../links/vary.js';
import { BodyStream } from '../sending/body-stream.js';
import { type MadeFromBody } from '../sending/large-responses.js';
import { bodyOf } from '../sending/send-body.js';
import { SHARED_FROM_BYTES, WHOLE_UP_TO_BYTES } from '../sending/shared-body.js';
import { acceptedCoding } from './accepted-coding.js';
import { type CompressedForm } from './compressed-form.js';
import { gzipBodyStream, gzipped, gzipStream } from './gzip.js';

declare module 'fastify' {
  interface FastifyReply {
    /** The compressed form of the response, if that is kept. */
    compressedForm?: CompressedForm | null;
  }
}

/** Smaller responses are not compressed: with their headers they fit into one packet anyway. */
export const COMPRESSION_THRESHOLD_BYTES = 1_024;

/** Texts of all kinds except event streams, because a compressor would delay events. */
const COMPRESSIBLE =
  /^(?:text\/(?!event-stream)|application\/(?:[\w.-]+\+)?(?:json|yaml|xml)\b|application\/(?:x-ndjson|javascript|openmetrics-text)\b|image\/svg\+xml)/i;

const NOT_MODIFIED = 304;
const PARTIAL_CONTENT = 206;

/** What Fastify is given to send; other kinds of streams do not occur here. */
type Payload = string | Buffer | Readable | null | undefined;

/**
 * Compresses responses for clients that accept it (RFC 9110, section 12.5.3).
 * - A cached list of the catalog has a cached compressed form ({@link CompressedForm}). Other responses are compressed for
 *   each request if they have more than 16 KiB, outside the event loop: for smaller ones that costs more than all the rest of
 *   the request. Streams, and what has more than 128 KiB, are compressed as they are read.
 * - The tag of a compressed response is weak, because its bytes differ from those of the plain one. `Vary` prevents caches
 *   from confusing them, and is set for both forms.
 * - A response whose tag is the version of a record stays plain: it is small, and clients send the tag back in `If-Match`,
 *   which strictly takes only strong tags.
 */
export function compressAnswers(instance: FastifyInstance): void {
  instance.decorateReply('compressedForm', null);
  instance.addHook<Payload>('onSend', compressAnswer);
}

const compressAnswer: onSendHookHandler<Payload> = (request, reply, payload, done) => {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  // The responses to most writes are small, and end here.
  if (!isRead && isSmall(payload)) return done(null, payload);
  if (isRead && reply.statusCode === NOT_MODIFIED) {
    addVary(reply, 'Accept-Encoding');
    repeatWeakTag(request, reply);
    return done(null, payload);
  }
  if (!isWhole(payload) && !(payload instanceof Readable)) return done(null, payload);
  if (!isCompressible(reply)) return done(null, payload);
  addVary(reply, 'Accept-Encoding');
  const { isGzipWanted, isPlainRefused } = acceptedCoding(request.headers['accept-encoding']);
  // The client may have closed the connection.
  if (!isGzipWanted || reply.raw.destroyed) return done(null, payload);

  const { compressedForm } = reply;
  if (compressedForm?.isOf(payload)) {
    if (isSmall(payload) && !isPlainRefused) return done(null, payload);
    return send(reply, compressedForm.bytes(), done);
  }
  if (payload instanceof Readable || payload.length > WHOLE_UP_TO_BYTES) {
    sendAsGzip(reply);
    // For HEAD, Fastify reads a stream and sends nothing of it.
    if (request.method === 'HEAD') return done(null, bodyOf(payload) ? Readable.from([]) : payload);
    return done(null, compressedStream(payload));
  }
  if (payload.length <= SHARED_FROM_BYTES && !isPlainRefused) return done(null, payload);
  send(reply, gzipped(payload), done);
};

/** The compressed form of a stream, or of a body that is in memory. */
function compressedStream(payload: string | Buffer | Readable): Readable {
  const body = bodyOf(payload);
  // When the plain stream fails, the compressed one fails too, and Fastify cuts the response off.
  if (!body) return piped(payload as Readable, gzipStream());
  const source = payload instanceof BodyStream ? payload : new BodyStream(body);
  return Object.assign(piped(source, gzipBodyStream()), { madeFrom: body } satisfies MadeFromBody);
}

const piped = (plain: Readable, compressed: Transform): Readable => pipeline(plain, compressed, () => {});

function send(reply: FastifyReply, bytes: Buffer | Promise<Buffer>, done: DoneFuncWithErrOrRes): void {
  if (!Buffer.isBuffer(bytes)) return void sendWhenMade(reply, bytes, done);
  sendAsGzip(reply);
  done(null, bytes);
}

async function sendWhenMade(reply: FastifyReply, pending: Promise<Buffer>, done: DoneFuncWithErrOrRes): Promise<void> {
  let bytes: Buffer;
  try {
    bytes = await pending;
  } catch (error) {
    done(error as Error);
    return;
  }
  sendAsGzip(reply);
  done(null, bytes);
}

const isWhole = (payload: Payload): payload is string | Buffer =>
  typeof payload === 'string' || Buffer.isBuffer(payload);

const isSmall = (payload: Payload): boolean =>
  payload === null || payload === undefined || (isWhole(payload) && payload.length < COMPRESSION_THRESHOLD_BYTES);

function isCompressible(reply: FastifyReply): boolean {
  const type = reply.getHeader('content-type');
  if (typeof type !== 'string' || !COMPRESSIBLE.test(type)) return false;
  // A part of a file is a part of its plain form.
  if (reply.statusCode === PARTIAL_CONTENT || reply.hasHeader('content-encoding')) return false;
  return !isVersionTag(reply.getHeader('etag'));
}

function sendAsGzip(reply: FastifyReply): void {
  void reply.header('content-encoding', 'gzip');
  // They belong to the plain form. Fastify sets the length of the payload.
  void reply.removeHeader('content-length').removeHeader('accept-ranges');
  const tag = reply.getHeader('etag');
  if (typeof tag === 'string') void reply.header('etag', weakened(tag));
}

/** A client or cache that has the compressed form knows it by the weak tag, so the 304 must have the weak tag, too. */
function repeatWeakTag(request: FastifyRequest, reply: FastifyReply): void {
  const tag = reply.getHeader('etag');
  if (typeof tag !== 'string') return;
  if (request.headers['if-none-match']?.includes(weakened(tag))) void reply.header('etag', weakened(tag));
}
