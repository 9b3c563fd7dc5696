import { type IfNoneMatch, matchesNone, type ResponseHeader } from '@coordination/http';
import { type ErrorCode } from '@coordination/kernel';
import { type FastifyReply } from 'fastify';
import { CATALOG_HEADERS, sendJson, setCatalogHeaders } from '../responses/catalog-response.js';
import { type HasTag, type PastFound } from './past-discovery.service.js';

/**
 * What the log tells of a moment never changes; an hour bounds how long a copy of it outlives what the log retains, or a
 * history that ended. Access is decided by request, so only the caller's own cache may have it.
 */
export const KEPT = 'private, max-age=3600, immutable';

/** Headers of answers that may be about the past. */
export const PAST_HEADERS = [...CATALOG_HEADERS, 'Cache-Control'] as const satisfies ResponseHeader[];

/** What may be wrong with a moment. */
export const PAST_PROBLEMS = ['REVISION_UNKNOWN', 'REVISION_COMPACTED'] as const satisfies ErrorCode[];

/** Whether a caller who sent `If-None-Match` has an answer already. */
export const hasTag =
  (ifNoneMatch: IfNoneMatch): HasTag =>
  tag =>
    matchesNone(ifNoneMatch, tag);

/** Sends what was found of the past, or 304. */
export const answerPast = (reply: FastifyReply, found: PastFound): void => answer(reply, found, KEPT);

/** Sends what was found of a time that ends now: another answer whenever the catalog has changed. */
export const answerUpToNow = (reply: FastifyReply, found: PastFound): void => answer(reply, found, 'no-cache');

function answer(reply: FastifyReply, { catalog, tag, body }: PastFound, cacheControl: string): void {
  setCatalogHeaders(reply, catalog, tag);
  void reply.header('cache-control', cacheControl);
  sendJson(reply, body);
}
