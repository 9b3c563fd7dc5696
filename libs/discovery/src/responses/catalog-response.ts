import { type CompressedForm, formatETag, JSON_MEDIA_TYPE, type ResponseHeader } from '@coordination/http';
import { type FastifyReply } from 'fastify';

/** Headers of every answer about the catalog. */
export const CATALOG_HEADERS = [
  'ETag',
  'X-Catalog-Revision',
  'X-Catalog-Epoch',
  'X-Catalog-Staleness',
] as const satisfies ResponseHeader[];

/** Of which catalog an answer speaks. */
export interface AnsweredCatalog {
  readonly revision: number;
  readonly epoch: string;
  /** Seconds since it was last known to be current. */
  readonly stalenessSeconds: number;
}

const JSON_TYPE = `${JSON_MEDIA_TYPE}; charset=utf-8`;

/** How much of the epoch an ETag has: enough to tell any two apart that a caller may have met. */
const EPOCH_PREFIX_LENGTH = 8;

/**
 * Names what a revision shows, the same on all nodes.
 * @param variant tells parts of it apart
 */
export const revisionTag = (epoch: string, revision: number, variant?: string): string => {
  const tag = `${epoch.slice(0, EPOCH_PREFIX_LENGTH)}-${revision}`;
  return variant === undefined ? tag : `${tag}-${variant}`;
};

/**
 * Says of which catalog the answer speaks.
 * @param tag the ETag by which it is known, unless every answer is another one
 */
export function setCatalogHeaders(reply: FastifyReply, catalog: AnsweredCatalog, tag?: string): void {
  void reply.headers({
    ...(tag !== undefined && { etag: formatETag(tag) }),
    'x-catalog-revision': catalog.revision,
    'x-catalog-epoch': catalog.epoch,
    // Whole seconds: within the interval of polling the view counts as current.
    'x-catalog-staleness': Math.floor(catalog.stalenessSeconds),
  });
}

/**
 * Sends JSON past all serialization, or 304 when the caller has it.
 * @param compressed the compressed form, where it is kept
 */
export function sendJson(reply: FastifyReply, body: string | undefined, compressed?: CompressedForm): void {
  if (body === undefined) {
    void reply.status(304).send();
    return;
  }
  if (compressed) reply.compressedForm = compressed;
  void reply.type(JSON_TYPE).send(body);
}
