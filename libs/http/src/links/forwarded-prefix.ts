import { hasDotSegment } from '@coordination/kernel';

/** Longer ones are nobody's prefix. */
export const MAX_PREFIX_LENGTH = 256;

/**
 * Segments of unreserved characters (RFC 3986) alone. So nothing that is put into a link by it can name another host
 * (`//host`, `/\host`), end a header line, or end an attribute of HTML.
 */
const PREFIX = /^(?:\/[A-Za-z0-9._~-]+)+$/;

/**
 * The path prefix that a line of `X-Forwarded-Prefix` tells, without a slash at its end; empty if it tells of none.
 * @returns undefined if it cannot be used: no path of plain segments, too long, with a segment `.` or `..`, or several
 */
export function forwardedPrefix(header: string | string[] | undefined): string | undefined {
  if (header === undefined || header === '' || header === '/') return '';
  if (typeof header !== 'string' || header.length > MAX_PREFIX_LENGTH) return undefined;
  const prefix = header.endsWith('/') ? header.slice(0, -1) : header;
  return PREFIX.test(prefix) && !hasDotSegment(prefix) ? prefix : undefined;
}
