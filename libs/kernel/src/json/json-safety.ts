import { type FieldError } from '../errors/errors.js';
import { isContainer } from './json-values.js';

/** How deeply arrays and objects of a request may be nested. Far more than any request of this API needs. */
export const MAX_JSON_DEPTH = 32;

/** The most bad places that are named, so that a response cannot become larger than its request. */
const MAX_FINDINGS = 100;

/** A place of a JSON value that cannot be kept as it is. */
export interface Unstorable extends FieldError {
  /** Whether the shape is wrong (nesting, `__proto__`), and not one text or number. */
  readonly structural: boolean;
}

type Container = readonly unknown[] | Readonly<Record<string, unknown>>;

/** One reference token of a JSON pointer (RFC 6901, section 3). */
export const pointerToken = (key: string | number): string => String(key).replaceAll('~', '~0').replaceAll('/', '~1');

/** The most characters of a caller's text that a message repeats. */
const MAX_SHOWN = 100;

/** Control characters, and those that turn the direction of the text around them. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const escaped = (sign: string): string => `\\u${sign.codePointAt(0)!.toString(16).padStart(4, '0')}`;

/** A caller's own text for messages: a long one is cut off, invisible characters are escaped. */
export function shownText(text: string): string {
  const start = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return start.toWellFormed().replaceAll(INVISIBLE, escaped);
}

/** A reference token for messages, with a caller's own name. */
export const shownToken = (key: string | number): string => pointerToken(shownText(String(key)));

/** Whether PostgreSQL can store the text: no U+0000, and no lone surrogate. */
export const isStorableText = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/**
 * The places of a JSON value that cannot be kept as they are: text with U+0000 or lone surrogates (PostgreSQL stores
 * neither), numbers that are not finite or integers beyond 2^53 - 1 (they would be changed silently), keys named
 * `__proto__`, and nesting deeper than `maxDepth`. Empty when the value is clean. It does not recurse, so no depth harms it.
 * @param base JSON pointer of the value itself, put before every path.
 */
export function findUnstorable(value: unknown, base = '', maxDepth = MAX_JSON_DEPTH): Unstorable[] {
  return isClean(value, maxDepth) ? [] : locateUnstorable(value, base, maxDepth);
}

/** The hot path: builds no pointers, because nearly every value is clean. */
function isClean(value: unknown, maxDepth: number): boolean {
  if (!isContainer(value)) return complaintAbout(value) === null;
  let level: Container[] = [value];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > maxDepth) return false;
    const next: Container[] = [];
    for (const container of level) {
      if (!isLevelClean(container, next)) return false;
    }
    level = next;
  }
  return true;
}

function isLevelClean(container: Container, next: Container[]): boolean {
  if (!Array.isArray(container)) {
    for (const key of Object.keys(container)) {
      if (key === '__proto__' || !isStorableText(key)) return false;
    }
  }
  for (const child of Object.values(container)) {
    if (isContainer(child)) next.push(child);
    else if (complaintAbout(child) !== null) return false;
  }
  return true;
}

function locateUnstorable(value: unknown, base: string, maxDepth: number): Unstorable[] {
  const findings: Unstorable[] = [];
  const queue: { path: string; value: unknown; depth: number }[] = [{ path: base, value, depth: 1 }];
  for (let next = 0; next < queue.length && findings.length < MAX_FINDINGS; next++) {
    const { path, value: current, depth } = queue[next]!;
    if (!isContainer(current)) {
      const message = complaintAbout(current);
      if (message !== null) findings.push({ path, message, structural: false });
      continue;
    }
    if (depth > maxDepth) {
      findings.push({ path, message: `is nested more than ${maxDepth} levels deep`, structural: true });
      continue;
    }
    for (const [key, child] of Object.entries(current)) {
      if (key === '__proto__') findings.push({ path, message: 'has a key named __proto__', structural: true });
      if (!isStorableText(key)) findings.push({ path, message: `has a key ${BAD_TEXT}`, structural: false });
      else queue.push({ path: `${path}/${shownToken(key)}`, value: child, depth: depth + 1 });
    }
  }
  return findings;
}

const BAD_TEXT = 'with U+0000 or half a surrogate pair, which cannot be stored';

function complaintAbout(value: unknown): string | null {
  if (typeof value === 'string') return isStorableText(value) ? null : `is text ${BAD_TEXT}`;
  if (typeof value !== 'number') return null;
  if (!Number.isFinite(value)) return 'is a number beyond the range of a double';
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return 'is an integer beyond 2^53 - 1, which JSON numbers do not keep exactly: send it as text';
  }
  return null;
}
