import { negotiate } from '@fastify/accept-negotiator';
import { LRUCache } from 'lru-cache';

/** What an `Accept-Encoding` header allows. */
export interface AcceptedCoding {
  /** Whether gzip is accepted with at least the weight of the plain form. */
  readonly isGzipWanted: boolean;
  /** Whether the plain form is refused, so that small responses have to be compressed, too. */
  readonly isPlainRefused: boolean;
}

/** RFC 9110, section 12.5.3: without the header every coding is allowed, and all clients understand the plain form. */
const PLAIN: AcceptedCoding = { isGzipWanted: false, isPlainRefused: false };

/** In the order of preference. */
const CODINGS = ['gzip', 'identity'];
const PLAIN_REFUSED = /(?:^|,)\s*identity\s*;\s*q=0(?:\.0*)?\s*(?:,|$)/;
const X_GZIP = /(^|,)(\s*)x-gzip(?=\s*(?:[;,]|$))/g;
const ANY = /(^|,)(\s*)\*(?=\s*(?:[;,]|$))/g;

/** Nearly all clients send one of a few values. */
const known = new LRUCache<string, AcceptedCoding>({ max: 100 });

/** Evaluates an `Accept-Encoding` header (RFC 9110, section 12.5.3). */
export function acceptedCoding(header: string | string[] | undefined): AcceptedCoding {
  if (header === undefined) return PLAIN;
  const text = String(header);
  let accepted = known.get(text);
  if (accepted === undefined) known.set(text, (accepted = parse(text.toLowerCase())));
  return accepted;
}

function parse(header: string): AcceptedCoding {
  const named = header.replaceAll(X_GZIP, '$1$2gzip');
  // The negotiator would apply `*` to gzip even if gzip has a weight of its own.
  const isListed = (coding: string) => new RegExp(`(?:^|,)\\s*${coding}\\s*(?:[;,]|$)`).test(named);
  const explicit = named.replaceAll(ANY, `$1$2${CODINGS.find(coding => !isListed(coding)) ?? 'any-other'}`);
  const isGzipWanted = negotiate(explicit, CODINGS) === 'gzip';
  return { isGzipWanted, isPlainRefused: isGzipWanted && PLAIN_REFUSED.test(explicit) };
}
