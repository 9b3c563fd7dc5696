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

/** Whether two JSON values say the same, whatever the order of their keys. */
export const sameJson = (a: unknown, b: unknown): boolean => a === b || canonicalJson(a) === canonicalJson(b);
