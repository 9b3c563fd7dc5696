import { negotiate } from '@fastify/accept-negotiator';
import { LRUCache } from 'lru-cache';

/** What an `Accept-Encoding` header lets us do. */
export interface AcceptedCoding {
  /** Whether gzip is accepted, and no less welcome than the plain form. */
  readonly isGzipWanted: boolean;
  /** Whether the plain form is refused, so that small answers have to be compressed, too. */
  readonly isPlainRefused: boolean;
}

/** RFC 9110, section 12.5.3: without the header any coding would do, and the plain form is what everybody understands. */
const PLAIN: AcceptedCoding = { isGzipWanted: false, isPlainRefused: false };

/** In the order in which we like them. */
const CODINGS = ['gzip', 'identity'];
const PLAIN_REFUSED = /(?:^|,)\s*identity\s*;\s*q=0(?:\.0*)?\s*(?:,|$)/;
const X_GZIP = /(^|,)(\s*)x-gzip(?=\s*(?:[;,]|$))/g;
const ANY = /(^|,)(\s*)\*(?=\s*(?:[;,]|$))/g;

/** There are a few values that nearly all clients send. */
const known = new LRUCache<string, AcceptedCoding>({ max: 100 });

/** What an `Accept-Encoding` header asks for (RFC 9110, section 12.5.3). */
export function acceptedCoding(header: string | string[] | undefined): AcceptedCoding {
  if (header === undefined) return PLAIN;
  const text = String(header);
  let accepted = known.get(text);
  if (accepted === undefined) known.set(text, (accepted = parse(text.toLowerCase())));
  return accepted;
}

function parse(header: string): AcceptedCoding {
  const named = header.replaceAll(X_GZIP, '$1$2gzip');
  // The negotiator would take `*` for gzip even where gzip has a weight of its own.
  const isListed = (coding: string) => new RegExp(`(?:^|,)\\s*${coding}\\s*(?:[;,]|$)`).test(named);
  const explicit = named.replaceAll(ANY, `$1$2${CODINGS.find(coding => !isListed(coding)) ?? 'any-other'}`);
  const isGzipWanted = negotiate(explicit, CODINGS) === 'gzip';
  return { isGzipWanted, isPlainRefused: isGzipWanted && PLAIN_REFUSED.test(explicit) };
}
