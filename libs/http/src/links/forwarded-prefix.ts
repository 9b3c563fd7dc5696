import { hasDotSegment } from '@coordination/kernel';

/** No real prefix is longer. */
export const MAX_PREFIX_LENGTH = 256;

/**
 * Segments of unreserved characters (RFC 3986) only. So a link that begins with the prefix can neither name another host
 * (`//host`, `/\host`), nor end a header line or an attribute of HTML.
 */
const PREFIX = /^(?:\/[A-Za-z0-9._~-]+)+$/;

/**
 * The path prefix in an `X-Forwarded-Prefix` header, without a slash at its end; empty if it has none.
 * @returns undefined if it cannot be used: no path of plain segments, too long, with a segment `.` or `..`, or several
 */
export function forwardedPrefix(header: string | string[] | undefined): string | undefined {
  if (header === undefined || header === '' || header === '/') return '';
  if (typeof header !== 'string' || header.length > MAX_PREFIX_LENGTH) return undefined;
  const prefix = header.endsWith('/') ? header.slice(0, -1) : header;
  return PREFIX.test(prefix) && !hasDotSegment(prefix) ? prefix : undefined;
}
