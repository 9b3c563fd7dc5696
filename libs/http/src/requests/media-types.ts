export const JSON_MEDIA_TYPE = 'application/json';

/** JSON merge patch (RFC 7396), for PATCH alone. */
export const MERGE_PATCH_MEDIA_TYPE = 'application/merge-patch+json';

/** The media types that a body of this method may have. */
export const acceptedMediaTypes = (method: string): readonly string[] =>
  method === 'PATCH' ? [JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE] : [JSON_MEDIA_TYPE];
