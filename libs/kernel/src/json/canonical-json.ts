import { isDeepStrictEqual } from 'node:util';
import canonicalize from 'canonicalize';

/**
 * The canonical JSON text of a value after RFC 8785 (JCS): keys in UTF-16 order, shortest numbers, no white space.
 * `undefined` properties are left out, as in JSON.
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('Only JSON values have a canonical form.');
  return text;
}

/**
 * Whether two JSON values are equal, whatever the order of their keys. Most compared values are, and are found equal without
 * the canonical form. It decides about the others, such as 0 and -0, which are one number in JSON.
 */
export const sameJson = (a: unknown, b: unknown): boolean =>
  isDeepStrictEqual(a, b) || canonicalJson(a) === canonicalJson(b);
