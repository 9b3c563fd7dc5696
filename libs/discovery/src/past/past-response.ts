import { type IfNoneMatch, matchesNone, type ResponseHeader } from '@coordination/http';
import { type ErrorCode } from '@coordination/kernel';
import { type FastifyReply } from 'fastify';
import { CATALOG_HEADERS, IMMUTABLE, sendJson, setCatalogHeaders } from '../responses/catalog-response.js';
import { type HasTag, type PastFound } from './past-found.js';

/** Headers of responses that may be about the past. */
export const PAST_HEADERS = [...CATALOG_HEADERS, 'Cache-Control'] as const satisfies ResponseHeader[];

/** Error codes of reads of a past revision or time. */
export const PAST_PROBLEMS = ['REVISION_UNKNOWN', 'REVISION_COMPACTED'] as const satisfies ErrorCode[];

/** Whether a client that sent `If-None-Match` has the response with a tag already. */
export const hasTag =
  (ifNoneMatch: IfNoneMatch): HasTag =>
  tag =>
    matchesNone(ifNoneMatch, tag);

/** Sends a response about the past, or 304. */
export const sendPast = (reply: FastifyReply, found: PastFound): void => send(reply, found, IMMUTABLE);

/** Sends a response about a time that ends now, which is another one after each change of the catalog. */
export const sendUpToNow = (reply: FastifyReply, found: PastFound): void => send(reply, found, 'no-cache');

function send(reply: FastifyReply, { catalog, tag, body, compressed }: PastFound, cacheControl: string): void {
  setCatalogHeaders(reply, catalog, tag);
  void reply.header('cache-control', cacheControl);
  sendJson(reply, body, compressed);
}
