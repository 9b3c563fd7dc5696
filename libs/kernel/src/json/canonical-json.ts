import canonicalize from 'canonicalize';

/** Deeper values are left to the library, which needs no call stack. */
const DEEPEST = 64;

/** How `JSON.stringify` writes a surrogate without its partner, which canonical JSON cannot have; also a part of a text. */
const LONE_SURROGATE = '\\ud';

/**
 * The canonical JSON text of a value after RFC 8785 (JCS): keys in UTF-16 order, shortest numbers, no white space.
 * `undefined` properties are left out, as in JSON.
 * @throws TypeError when it is no JSON value; Error for a lone surrogate, a number that is not finite, or a circle
 */
export function canonicalJson(value: unknown): string {
  const ordered = inCanonicalOrder(value);
  const text = ordered === undefined ? undefined : canonicalTextOf(ordered);
  return text ?? canonicalByLibrary(value);
}

/**
 * The text of a value that {@link inCanonicalOrder} has ordered; undefined when only {@link canonicalJson} can decide. RFC 8785
 * takes numbers and texts as `JSON.stringify` writes them, which is several times as fast as any other code.
 */
export function canonicalTextOf(ordered: unknown): string | undefined {
  const text = JSON.stringify(ordered);
  return text.includes(LONE_SURROGATE) ? undefined : text;
}

/**
 * The same JSON value with the keys of all its objects in canonical order. What is in order is returned as it is. undefined when
 * an object of JavaScript cannot have that order (keys that begin with a digit), or for anything else than plain JSON.
 */
export const inCanonicalOrder = (value: unknown): unknown => ordered(value, 0);

function ordered(value: unknown, depth: number): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'object' || depth > DEEPEST) return undefined;
  return Array.isArray(value) ? orderedArray(value, depth + 1) : orderedObject(value, depth + 1);
}

function orderedArray(items: readonly unknown[], depth: number): readonly unknown[] | undefined {
  const result: unknown[] = [];
  let isSame = true;
  for (const item of items) {
    const next = ordered(item, depth);
    if (next === undefined) return undefined;
    isSame &&= next === item;
    result.push(next);
  }
  return isSame ? items : result;
}

function orderedObject(value: object, depth: number): object | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  const keys = Object.keys(value);
  let isSame = true;
  let previous = '';
  for (const key of keys) {
    if (isMoved(key)) return undefined;
    isSame &&= previous <= key;
    previous = key;
  }
  if (!isSame) keys.sort();
  const result: Record<string, unknown> = {};
  for (const key of keys) {
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined) continue;
    const next = ordered(member, depth);
    if (next === undefined) return undefined;
    isSame &&= next === member;
    result[key] = next;
  }
  return isSame ? value : result;
}

/** Whether JavaScript gives a key another place than the one in which it was set, or none: indices come first, in the order of numbers. */
const isMoved = (key: string): boolean => (key >= '0' && key < ':') || key === '__proto__' || key === 'toJSON';

function canonicalByLibrary(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('Only JSON values have a canonical form.');
  return text;
}

/** Whether two JSON values are equal, whatever the order of their keys. `undefined` properties count as absent; 0 and -0 are one number. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Members, b as Members];
  let count = 0;
  for (const key of Object.keys(left)) {
    const member = left[key];
    if (member === undefined) continue;
    count += 1;
    const other = right[key];
    if (member !== other && !(Object.hasOwn(right, key) && sameJson(member, other))) return false;
  }
  for (const key of Object.keys(right)) if (right[key] !== undefined) count -= 1;
  return count === 0;
}

type Members = Readonly<Record<string, unknown>>;
