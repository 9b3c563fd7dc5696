import { type IfNoneMatch, matchesNone } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { revisionTag, sendJson, setCatalogHeaders } from './catalog-answer.js';
import { type Found } from './discovery.service.js';

/** Sends an answer of the view, or 304 when the caller has it. */
export function answerFound(reply: FastifyReply, ifNoneMatch: IfNoneMatch, found: Found): void {
  const { catalog, revision, body, compressed } = found;
  const tag = revisionTag(catalog.epoch, revision);
  setCatalogHeaders(reply, catalog, tag);
  sendJson(reply, matchesNone(ifNoneMatch, tag) ? undefined : body, compressed);
}
