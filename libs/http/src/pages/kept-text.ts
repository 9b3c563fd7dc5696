import { createHash } from 'node:crypto';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { formatETag, matchesNone, parseIfNoneMatch } from '../headers/etag.js';

/** The media type of pages. */
export const HTML = 'text/html; charset=utf-8';

/** A text that is the same for every caller as long as the process runs. */
export interface KeptText {
  readonly type: string;
  readonly text: string;
  readonly tag: string;
}

export const keptText = (type: string, text: string): KeptText => ({
  type,
  text,
  tag: createHash('sha256').update(text).digest('base64url'),
});

/** Sends the text, or 304 if the caller has it. Caches revalidate each time, because the next version has another text. */
export function sendKept(request: FastifyRequest, reply: FastifyReply, { type, text, tag }: KeptText): FastifyReply {
  reply.headers({ etag: formatETag(tag), 'cache-control': 'no-cache' });
  if (matchesNone(parseIfNoneMatch(request.headers['if-none-match']), tag)) return reply.code(304).send();
  return reply.type(type).send(text);
}
