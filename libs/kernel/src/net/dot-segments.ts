/** A path with a segment `.` or `..`, each dot as it is or escaped. */
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * Whether a path has a segment `.` or `..`, or a name is one. Clients and proxies take such segments out of paths (RFC 3986,
 * section 6.2.2.3), so the path that arrives may name something else than the caller intended.
 */
export const hasDotSegment = (path: string): boolean => DOT_SEGMENT.test(path);
