import { createHash } from 'node:crypto';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { CompressedForm } from '../compression/compressed-form.js';
import { formatETag, matchesNone, parseIfNoneMatch } from '../headers/etag.js';
import { sendBody } from '../sending/send-body.js';
import { SharedBody, sharedIfLarge } from '../sending/shared-body.js';

/** The media type of pages. */
export const HTML = 'text/html; charset=utf-8';

/** A body that is sent to many callers, with its compressed form, which is made once. */
export interface KeptText {
  readonly type: string;
  readonly body: string | SharedBody;
  readonly tag: string;
  readonly compressed: CompressedForm;
}

/** @param content text, or the bytes of a file */
export function keptText(type: string, content: string | Buffer): KeptText {
  const body = typeof content === 'string' ? sharedIfLarge(content) : SharedBody.of(content);
  const tag = createHash('sha256').update(content).digest('base64url');
  return { type, body, tag, compressed: new CompressedForm(body) };
}

/** Sends the text, or 304 if the caller has it. Caches revalidate each time, because the next version has another text. */
export function sendKept(request: FastifyRequest, reply: FastifyReply, kept: KeptText): FastifyReply {
  const { type, body, tag, compressed } = kept;
  reply.headers({ etag: formatETag(tag), 'cache-control': 'no-cache' });
  if (matchesNone(parseIfNoneMatch(request.headers['if-none-match']), tag)) return reply.code(304).send();
  reply.compressedForm = compressed;
  sendBody(reply.type(type), body);
  return reply;
}
