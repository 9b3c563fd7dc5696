import { RE2JS, RE2JSException } from 're2js';

/** Bounds of a pattern: matching costs at most its instructions times the characters that are looked at. */
const MAX_PATTERN_LENGTH = 200;
const MAX_INSTRUCTIONS = 500;

/** How many characters (UTF-16 code units) of a text a pattern is looked for in, from its beginning. */
export const MAX_MATCHED_LENGTH = 1_024;

/** Says of texts whether they have a part that the pattern describes. RE2: no text makes it slower than its length. */
export function patternTest(pattern: string): (text: string) => boolean {
  const compiled = RE2JS.compile(pattern);
  return text => compiled.test(text.length > MAX_MATCHED_LENGTH ? text.slice(0, MAX_MATCHED_LENGTH) : text);
}

/** What is wrong with a pattern; undefined when it can be used. */
export function complaintAboutPattern(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return `the pattern has more than ${MAX_PATTERN_LENGTH} characters`;
  try {
    const size = RE2JS.compile(pattern).programSize();
    return size > MAX_INSTRUCTIONS ? 'the pattern is too complex: use fewer or smaller repetitions' : undefined;
  } catch (error) {
    if (error instanceof RE2JSException) return `the pattern is not one of RE2: ${error.message}`;
    throw error;
  }
}
