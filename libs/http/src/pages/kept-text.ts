import { createHash } from 'node:crypto';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { CompressedForm } from '../compression/compressed-form.js';
import { formatETag, matchesNone, parseIfNoneMatch } from '../headers/etag.js';

/** The media type of pages. */
export const HTML = 'text/html; charset=utf-8';

/**
 * A body of at least so many bytes is kept as a buffer, which all sockets share. A smaller one is a string, which Node.js
 * writes together with the headers.
 */
const MIN_BUFFER_BYTES = 16 * 1024;

/** A body that is sent to many callers, with its compressed form, which is made once. */
export interface KeptText {
  readonly type: string;
  readonly body: string | Buffer;
  readonly tag: string;
  readonly compressed: CompressedForm;
}

/** @param content text, or the bytes of a file */
export function keptText(type: string, content: string | Buffer): KeptText {
  const isLarge = typeof content === 'string' && Buffer.byteLength(content) >= MIN_BUFFER_BYTES;
  const body = isLarge ? Buffer.from(content) : content;
  const tag = createHash('sha256').update(body).digest('base64url');
  return { type, body, tag, compressed: new CompressedForm(body) };
}

/** Sends the text, or 304 if the caller has it. Caches revalidate each time, because the next version has another text. */
export function sendKept(request: FastifyRequest, reply: FastifyReply, kept: KeptText): FastifyReply {
  const { type, body, tag, compressed } = kept;
  reply.headers({ etag: formatETag(tag), 'cache-control': 'no-cache' });
  if (matchesNone(parseIfNoneMatch(request.headers['if-none-match']), tag)) return reply.code(304).send();
  reply.compressedForm = compressed;
  return reply.type(type).send(body);
}
