import { isStorableText } from '../json/json-safety.js';

/**
 * Characters that are invisible, or that change how the text around them is shown: controls (C0 but tab and line ends, DEL,
 * C1), format characters (such as bidi overrides and isolates, zero-width space, tags), and separators of lines and
 * paragraphs. Not among them: the two joiners, which emoji and some scripts need, and marks of numbers, which are visible.
 */
const HIDDEN =
  /(?!\u200c|\u200d|[\t\n\r\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const ALL_HIDDEN = new RegExp(HIDDEN, 'gu');

const REPLACEMENT = '\uFFFD';

/**
 * What is wrong with a text that operators will read, as a continuation of the name of the field; undefined: nothing. With
 * hidden characters, a log, a terminal or a console shows something other than the text.
 */
export function complaintAboutText(text: string): string | undefined {
  if (!isStorableText(text)) return 'must not have U+0000 or half a surrogate pair, which cannot be stored';
  const [hidden] = HIDDEN.exec(text) ?? [];
  if (hidden === undefined) return undefined;
  const name = `U+${hidden.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
  return `must not have ${name}: controls, and characters that are invisible or change the order in which text is shown, are refused. Leave it out`;
}

/** A foreign text that will be shown: the characters that {@link complaintAboutText} refuses are replaced by U+FFFD. */
export const readable = (text: string): string => text.replaceAll(ALL_HIDDEN, REPLACEMENT).toWellFormed();
