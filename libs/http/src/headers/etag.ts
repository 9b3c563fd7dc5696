import { ValidationFailedError } from '@coordination/kernel';

/** The value of `If-Match`: a list of versions, `*` for any version, or undefined if the header is absent. */
export type IfMatch = readonly number[] | '*' | undefined;

/** The value of `If-None-Match`: a list of entity tags (without quotes), `*` for any tag, or undefined if it is absent. */
export type IfNoneMatch = readonly string[] | '*' | undefined;

/**
 * An entity tag of this service as proxies that compress alter it: weak (nginx, Envoy, Varnish, HAProxy), or with the coding
 * at its end (`"7-gzip"` of Apache and Caddy, `"7;gzip"`, `"7--gzip"` of Jetty). No tag of this service ends like that.
 */
const ALTERED_TAG = /(?:W\/)?"([^"]*?)(?:(?:--?|;)(?:gzip|br|zstd|deflate))?"/g;
const VERSION = /^"([1-9]\d{0,15})"$/;
const ENTITY_TAG = /^"([\x21\x23-\x7e\x80-\xff]*)"$/;

/** The most characters of a header of entity tags: about sixty tags of this service. */
export const MAX_TAGS_LENGTH = 2_000;

/** A list with empty members is allowed (RFC 9110, section 5.6.1). */
const listOf = (tag: string): string => String.raw`^(\*|${tag}( *, *(${tag})?)*)$`;
const WEAK = '(W/)?';
const CODING = '((--?|;)(gzip|br|zstd|deflate))?';

/** The syntax of the headers for the OpenAPI document, in the dialect that all regular expression engines share. */
export const ENTITY_TAG_PATTERN = '^(W/)?"[!#-~]+"$';
export const ENTITY_TAGS_PATTERN = listOf(String.raw`${WEAK}"[!#-+\--~]*"`);
export const VERSION_TAGS_PATTERN = listOf(`${WEAK}"[1-9][0-9]{0,14}${CODING}"`);

/** The `ETag` of a version or of any other text: quoted, strong. */
export const formatETag = (tag: string | number): string => `"${tag}"`;

/** The weak form of a tag, for other bytes with the same meaning. */
export const weakened = (tag: string): string => (tag.startsWith('W/') ? tag : `W/${tag}`);

/** Whether an `ETag` header is the version of a record. */
export const isVersionTag = (tag: unknown): boolean => typeof tag === 'string' && VERSION.test(tag);

/** A header of entity tags as this service sent them, without the alterations of proxies that compress. */
export const restoreTags = (header: string): string => header.replaceAll(ALTERED_TAG, '"$1"');

/**
 * The versions that an `If-Match` header names. Weak tags are accepted, which RFC 9110, section 13.1.1, does not do: a tag of
 * this service is the version of a record, not of its bytes, and a proxy that compresses the bytes does not change that.
 * @throws ValidationFailedError for everything that is not a version
 */
export function parseIfMatch(header: string | undefined): IfMatch {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return '*';
  return split(header, '/header/if-match').map(tag => {
    const version = Number(VERSION.exec(tag)?.[1]);
    if (Number.isSafeInteger(version)) return version;
    throw ValidationFailedError.at(
      '/header/if-match',
      'must be the ETag of the instance, such as "7" with its quotes, a list of those, or *',
    );
  });
}

/**
 * The entity tags that an `If-None-Match` header names, also weak ones: they are compared weakly (RFC 9110, 13.1.2).
 * @throws ValidationFailedError when it is not a list of entity tags
 */
export function parseIfNoneMatch(header: string | undefined): IfNoneMatch {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return '*';
  return split(header, '/header/if-none-match').map(tag => {
    const opaque = ENTITY_TAG.exec(tag)?.[1];
    if (opaque !== undefined) return opaque;
    throw ValidationFailedError.at('/header/if-none-match', 'must be an ETag with its quotes, a list of those, or *');
  });
}

/** Whether an `If-None-Match` includes the tag of the response, which is then 304. */
export const matchesNone = (asked: IfNoneMatch, tag: string): boolean =>
  asked !== undefined && (asked === '*' || asked.includes(tag));

function split(header: string, path: string): string[] {
  if (header.length > MAX_TAGS_LENGTH)
    throw ValidationFailedError.at(path, `must have at most ${MAX_TAGS_LENGTH} characters`);
  return restoreTags(header)
    .split(',')
    .map(part => part.trim())
    .filter((part, index) => part !== '' || index === 0);
}
