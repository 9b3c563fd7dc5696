import { type FastifyReply } from 'fastify';
import { BodyStream } from './body-stream.js';
import { SharedBody, WHOLE_UP_TO_BYTES } from './shared-body.js';

/** Sends a text, or shared bytes without copying them. The type of the content must be set. */
export function sendBody(reply: FastifyReply, body: string | SharedBody): void {
  void reply.send(body instanceof SharedBody ? payloadOf(body, reply) : body);
}

/** What Fastify can send: the only piece of a body, or a stream of its slices, of which it must know the length. */
export function payloadOf(body: SharedBody, reply: FastifyReply): Buffer | BodyStream {
  const { pieces, byteLength } = body;
  const [only] = pieces;
  if (only && pieces.length === 1 && byteLength <= WHOLE_UP_TO_BYTES) return only;
  void reply.header('content-length', byteLength);
  return new BodyStream(body);
}

/** The body that a payload sends; undefined for streams of unknown length, and for nothing. */
export function bodyOf(payload: unknown): SharedBody | undefined {
  if (payload instanceof BodyStream) return payload.body;
  return typeof payload === 'string' || Buffer.isBuffer(payload) ? SharedBody.of(payload) : undefined;
}
