import { type FastifyRequest } from 'fastify';

export const JSON_MEDIA_TYPE = 'application/json';

/** JSON merge patch (RFC 7396), for PATCH alone. */
export const MERGE_PATCH_MEDIA_TYPE = 'application/merge-patch+json';

/** The media types that the body of a request may have. */
export function acceptedMediaTypes({
  method,
  endpoint,
}: Pick<FastifyRequest, 'method' | 'endpoint'>): readonly string[] {
  const parsers = endpoint?.protocol?.bodyParsers;
  if (parsers) return Object.keys(parsers);
  return method === 'PATCH' ? [JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE] : [JSON_MEDIA_TYPE];
}
