import { type IfNoneMatch, matchesNone } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { revisionTag, sendJson, setCatalogHeaders } from './catalog-response.js';
import { type Found } from '../discovery.service.js';
import { KEPT } from '../past/past-answer.js';

/** Sends an answer of the view, or 304 when the caller has it. */
export function answerFound(reply: FastifyReply, ifNoneMatch: IfNoneMatch, found: Found): void {
  const { catalog, revision, body, compressed, variant } = found;
  const tag = revisionTag(catalog.epoch, revision, variant);
  setCatalogHeaders(reply, catalog, tag);
  sendJson(reply, matchesNone(ifNoneMatch, tag) ? undefined : body, compressed);
}

/** Sends an answer of the view that will never be another one, or 304 when the caller has it. */
export function answerSettled(reply: FastifyReply, ifNoneMatch: IfNoneMatch, found: Found): void {
  void reply.header('cache-control', KEPT);
  answerFound(reply, ifNoneMatch, found);
}
