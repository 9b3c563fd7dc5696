import { ValidationFailedError } from '@coordination/kernel';

/** What `If-Match` asks for: any of these versions, `*` for any version at all, or nothing. */
export type IfMatch = readonly number[] | '*' | undefined;

/** What `If-None-Match` names: these entity tags (opaque texts without quotes), `*` for any, or nothing. */
export type IfNoneMatch = readonly string[] | '*' | undefined;

/**
 * What proxies that compress make of an entity tag of ours: a weak one (nginx, Envoy, Varnish, HAProxy), or one with the
 * coding at its end (`"7-gzip"` of Apache and Caddy, `"7;gzip"`, `"7--gzip"` of Jetty). None of ours ends so.
 */
const ALTERED_TAG = /(?:W\/)?"([^"]*?)(?:(?:--?|;)(?:gzip|br|zstd|deflate))?"/g;
const VERSION = /^"([1-9]\d{0,15})"$/;
const ENTITY_TAG = /^"([\x21\x23-\x7e\x80-\xff]*)"$/;

/** The most characters of a header of entity tags: some sixty tags of ours. */
export const MAX_TAGS_LENGTH = 2_000;

/** A list with empty members is allowed (RFC 9110, section 5.6.1). */
const listOf = (tag: string): string => String.raw`^(\*|${tag}( *, *(${tag})?)*)$`;
const WEAK = '(W/)?';
const CODING = '((--?|;)(gzip|br|zstd|deflate))?';

/** What the headers look like, for the OpenAPI document: as any regular expression engine reads it. */
export const ENTITY_TAG_PATTERN = '^(W/)?"[!#-~]+"$';
export const ENTITY_TAGS_PATTERN = listOf(String.raw`${WEAK}"[!#-+\--~]*"`);
export const VERSION_TAGS_PATTERN = listOf(`${WEAK}"[1-9][0-9]{0,14}${CODING}"`);

/** The `ETag` of a version or of any other text: quoted, strong. */
export const formatETag = (tag: string | number): string => `"${tag}"`;

/** The weak form of a tag, for bytes that are others but mean the same. */
export const weakened = (tag: string): string => (tag.startsWith('W/') ? tag : `W/${tag}`);

/** Whether an `ETag` header is the version of a record. */
export const isVersionTag = (tag: unknown): boolean => typeof tag === 'string' && VERSION.test(tag);

/** A header of entity tags as we gave them, whatever proxies that compress made of them. */
export const restoreTags = (header: string): string => header.replaceAll(ALTERED_TAG, '"$1"');

/**
 * The versions that an `If-Match` header names. Weak tags count, too, which goes beyond RFC 9110, section 13.1.1: a tag of
 * ours is the version of a record, not of its bytes, and a proxy that compresses the bytes does not change that.
 * @throws ValidationFailedError for everything that is not a version
 */
export function parseIfMatch(header: string | undefined): IfMatch {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return '*';
  return split(header, '/header/if-match').map(tag => {
    const version = Number(VERSION.exec(tag)?.[1]);
    if (Number.isSafeInteger(version)) return version;
    throw bad(
      '/header/if-match',
      'must be the ETag of the instance, such as "7" with its quotes, a list of those, or *',
    );
  });
}

/**
 * The entity tags that an `If-None-Match` header names, weak ones too, since they are compared weakly (RFC 9110, 13.1.2).
 * @throws ValidationFailedError when it is not a list of entity tags
 */
export function parseIfNoneMatch(header: string | undefined): IfNoneMatch {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return '*';
  return split(header, '/header/if-none-match').map(tag => {
    const opaque = ENTITY_TAG.exec(tag)?.[1];
    if (opaque !== undefined) return opaque;
    throw bad('/header/if-none-match', 'must be an ETag with its quotes, a list of those, or *');
  });
}

/** Whether an `If-None-Match` covers the tag that the answer would have (then it is 304). */
export const matchesNone = (asked: IfNoneMatch, tag: string): boolean =>
  asked !== undefined && (asked === '*' || asked.includes(tag));

function split(header: string, path: string): string[] {
  if (header.length > MAX_TAGS_LENGTH) throw bad(path, `must have at most ${MAX_TAGS_LENGTH} characters`);
  return restoreTags(header)
    .split(',')
    .map(part => part.trim())
    .filter((part, index) => part !== '' || index === 0);
}

const bad = (path: string, message: string): ValidationFailedError => new ValidationFailedError([{ path, message }]);
