import { type IfNoneMatch, matchesNone } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { IMMUTABLE, sendJson, setCatalogHeaders } from './catalog-response.js';
import { revisionTag } from './catalog-version.js';
import { type Found } from './view-json.js';

/** Sends JSON that was made from the view, or 304 when the client has it. */
export function sendFound(reply: FastifyReply, ifNoneMatch: IfNoneMatch, found: Found): void {
  const { catalog, revision, body, compressed, variant } = found;
  const tag = revisionTag(catalog.epoch, revision, variant);
  setCatalogHeaders(reply, catalog, tag);
  sendJson(reply, matchesNone(ifNoneMatch, tag) ? undefined : body, compressed);
}

/** Does the same for a response that will never change. */
export function sendImmutable(reply: FastifyReply, ifNoneMatch: IfNoneMatch, found: Found): void {
  void reply.header('cache-control', IMMUTABLE);
  sendFound(reply, ifNoneMatch, found);
}
