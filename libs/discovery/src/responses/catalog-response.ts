import {
  type CompressedForm,
  formatETag,
  JSON_MEDIA_TYPE,
  type ResponseHeader,
  sendBody,
  type SharedBody,
} from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { type CatalogVersion } from './catalog-version.js';

/** Headers of every response about the catalog. */
export const CATALOG_HEADERS = [
  'ETag',
  'X-Catalog-Revision',
  'X-Catalog-Epoch',
  'X-Catalog-Staleness',
] as const satisfies ResponseHeader[];

/**
 * `Cache-Control` of responses about the past, which do not change. An hour bounds how long a copy outlives compaction or a
 * history that ended. Access is decided for each request, so only the client's own cache may keep it.
 */
export const IMMUTABLE = 'private, max-age=3600, immutable';

const JSON_TYPE = `${JSON_MEDIA_TYPE}; charset=utf-8`;

/**
 * Sets the headers that describe the state of the catalog.
 * @param tag the ETag; undefined where each response is a new one
 */
export function setCatalogHeaders(reply: FastifyReply, catalog: CatalogVersion, tag?: string): void {
  void reply.headers({
    ...(tag !== undefined && { etag: formatETag(tag) }),
    'x-catalog-revision': catalog.revision,
    'x-catalog-epoch': catalog.epoch,
    // Whole seconds: within the poll interval the view counts as current.
    'x-catalog-staleness': Math.floor(catalog.stalenessSeconds),
  });
}

/**
 * Sends JSON without further serialization, or 304 without a body.
 * @param body undefined when the client has it already
 * @param compressed the compressed form, if it is cached
 */
export function sendJson(
  reply: FastifyReply,
  body: string | SharedBody | undefined,
  compressed?: CompressedForm,
): void {
  if (body === undefined) {
    void reply.status(304).send();
    return;
  }
  if (compressed) reply.compressedForm = compressed;
  sendBody(reply.type(JSON_TYPE), body);
}
