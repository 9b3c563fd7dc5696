import { isUtf8 } from 'node:buffer';
import { complaintAboutText, hasDotSegment, isStorableText, newId, ValidationFailedError } from '@coordination/kernel';

/** The most characters of an X-Change-Reason. */
export const MAX_REASON_LENGTH = 500;

/** The syntax of the headers, for the OpenAPI document. */
export const REQUEST_ID_PATTERN = '^[A-Za-z0-9._:-]{1,128}$';
export const IDEMPOTENCY_KEY_PATTERN = '^[!-~]{1,255}$';
export const REASON_PATTERN = String.raw`^[^\x00-\x08\x0a-\x1f\x7f]*$`;

const SANE_REQUEST_ID = new RegExp(REQUEST_ID_PATTERN);

/** The caller's request id if it is 1 to 128 of `A-Za-z0-9._:-`, else a new UUIDv7. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && SANE_REQUEST_ID.test(header) ? header : newId();
}

/**
 * The reason that a caller gives for its change, or `null`. Node.js reads header bytes as Latin-1; valid UTF-8 is decoded
 * here.
 * @throws ValidationFailedError when it is longer than 500 characters or has invisible characters
 */
export function changeReasonOf(header: string | string[] | undefined): string | null {
  if (header === undefined || header === '') return null;
  const raw = Array.isArray(header) ? header.join(', ') : header;
  const bytes = Buffer.from(raw, 'latin1');
  const isInUtf8 = isUtf8(bytes);
  const reason = isInUtf8 ? bytes.toString() : raw;
  if (Array.from(reason).length > MAX_REASON_LENGTH)
    throw badReason(`must have at most ${MAX_REASON_LENGTH} characters`);
  const complaint = complaintAboutText(reason);
  if (complaint !== undefined) throw badReason(isInUtf8 ? complaint : `${complaint}, or send it in UTF-8`);
  return reason;
}

/** Also refuses repeated headers, which Node.js joins by a comma and a space: a space is not visible. */
const SANE_IDEMPOTENCY_KEY = new RegExp(IDEMPOTENCY_KEY_PATTERN);

/**
 * The key with which a caller may repeat its request, or `undefined`. It is used unchanged, including quotes.
 * @throws ValidationFailedError when it is not one header of 1 to 255 visible ASCII characters
 */
export function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && SANE_IDEMPOTENCY_KEY.test(header)) return header;
  const message = 'must be sent once, with 1 to 255 visible ASCII characters and no spaces';
  throw ValidationFailedError.at('/header/idempotency-key', message);
}

const badReason = (message: string): ValidationFailedError =>
  ValidationFailedError.at('/header/x-change-reason', message);

const DOT_OR_ESCAPE = /\/\.|%/;
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i;

/**
 * Refuses a raw request target that cannot be decoded to storable text (broken percent escapes, escapes that are not
 * UTF-8, and U+0000), or whose path has a segment `.` or `..`. Nearly all targets have no escape, and pass at once.
 * @throws ValidationFailedError naming the query parameter, or the path
 */
export function refuseBadTarget(target: string): void {
  if (!DOT_OR_ESCAPE.test(target)) return;
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  if (!isDecodable(path)) throw badTarget('/path');
  if (hasDotSegment(path)) throw ValidationFailedError.at('/path', AMBIGUOUS);
  if (mark === -1) return;
  const bad = target
    .slice(mark + 1)
    .split('&')
    .find(pair => !isDecodable(pair));
  if (bad !== undefined) throw badTarget(`/query/${bad.slice(0, bad.indexOf('=') >>> 0).replaceAll(/[^\w.-]/g, '?')}`);
}

/** The longest path segment, in bytes as sent: an instanceId of 200 characters, each of which may be escaped. */
const MAX_SEGMENT_LENGTH = 2_048;

/** @throws ValidationFailedError when a segment of the path is longer than any name can be */
export function refuseLongSegment(target: string): void {
  if (target.length <= MAX_SEGMENT_LENGTH) return;
  const segments = target.split('?', 1)[0]!.split('/');
  if (segments.every(({ length }) => length <= MAX_SEGMENT_LENGTH)) return;
  const message = 'has a segment that is longer than any name here can be';
  throw ValidationFailedError.at('/path', message);
}

function isDecodable(text: string): boolean {
  if (!text.includes('%')) return true;
  if (BROKEN_ESCAPE.test(text)) return false;
  try {
    return isStorableText(decodeURIComponent(text));
  } catch {
    return false;
  }
}

const AMBIGUOUS =
  'must not have a segment . or .. (nor %2e): clients and proxies remove it, and then the path names something else. Address an instance with such a name by its id, below /api/v1/registry/instances/';

const badTarget = (path: string): ValidationFailedError =>
  ValidationFailedError.at(path, 'must be UTF-8 in percent escapes (RFC 3986), without U+0000');
