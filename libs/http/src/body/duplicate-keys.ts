import { shownToken } from '@coordination/kernel';

/** The number of keys of all objects in a JSON text, in linear time. The text must be valid JSON. */
export function countKeysInText(text: string): number {
  let keys = 0;
  let quote = text.indexOf('"');
  while (quote !== -1) {
    const end = endOfString(text, quote);
    if (text.charCodeAt(skipSpace(text, end + 1)) === COLON) keys++;
    quote = text.indexOf('"', end + 1);
  }
  return keys;
}

/** The number of keys of all objects in a parsed value. If its text has more, JSON.parse dropped duplicates silently. */
export function countKeysInValue(value: unknown): number {
  let keys = 0;
  const stack: unknown[] = [value];
  while (stack.length > 0) {
    const current = stack.pop();
    if (typeof current !== 'object' || current === null) continue;
    const children = Object.values(current);
    if (!Array.isArray(current)) keys += children.length;
    for (const child of children) if (typeof child === 'object') stack.push(child);
  }
  return keys;
}

interface Frame {
  /** The keys seen in this object; `null` for an array. */
  readonly keys: Set<string> | null;
  token: string | number;
}

/** The JSON pointer of the first duplicate key, or `undefined`. The text must be valid JSON. */
export function findDuplicateKey(text: string): string | undefined {
  const frames: Frame[] = [];
  for (let at = 0; at < text.length; at++) {
    const frame = frames.at(-1);
    switch (text[at]) {
      case '{':
        frames.push({ keys: new Set(), token: '' });
        break;
      case '[':
        frames.push({ keys: null, token: 0 });
        break;
      case '}':
      case ']':
        frames.pop();
        break;
      case ',':
        if (frame && typeof frame.token === 'number') frame.token++;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (frame?.keys && text.charCodeAt(skipSpace(text, end + 1)) === COLON) {
          const key = JSON.parse(text.slice(at, end + 1)) as string;
          frame.token = key;
          if (frame.keys.has(key)) return frames.map(({ token }) => `/${shownToken(token)}`).join('');
          frame.keys.add(key);
        }
        at = end;
        break;
      }
      default:
    }
  }
  return undefined;
}

const COLON = 0x3a;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

/** The index of the quote that ends the string which begins at `quote`. */
function endOfString(text: string, quote: number): number {
  let end = text.indexOf('"', quote + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

/** An odd number of backslashes before a character escapes it. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (text.charCodeAt(next) <= SPACE) next++;
  return next;
}
