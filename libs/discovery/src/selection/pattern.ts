import { RE2JS, RE2JSException } from 're2js';

/**
 * Bounds of patterns: looking for one costs at most its instructions times the characters that are looked at, some 0.1 µs
 * each in the worst case, which is 5 ms for all patterns of a filter.
 */
const MAX_PATTERN_LENGTH = 200;
export const MAX_INSTRUCTIONS = 200;

/** How many characters (UTF-16 code units) of a text a pattern is looked for in, from its beginning. */
export const MAX_MATCHED_LENGTH = 256;

/** Is told how many steps are about to be taken, and throws when they are too many. */
export type Meter = (steps: number) => void;

/** Says of texts whether they have a part that the pattern describes. RE2: no text makes it slower than its length. */
export function patternTest(pattern: string, meter: Meter): (text: string) => boolean {
  const compiled = RE2JS.compile(pattern);
  const instructions = compiled.programSize();
  return text => {
    const looked = text.length > MAX_MATCHED_LENGTH ? text.slice(0, MAX_MATCHED_LENGTH) : text;
    meter(instructions * (looked.length + 1));
    return compiled.test(looked);
  };
}

/** How many instructions a pattern is compiled to, or what is wrong with it. */
export function sizeOfPattern(pattern: string): number | string {
  if (pattern.length > MAX_PATTERN_LENGTH) return `the pattern has more than ${MAX_PATTERN_LENGTH} characters`;
  try {
    return RE2JS.compile(pattern).programSize();
  } catch (error) {
    if (error instanceof RE2JSException) return `the pattern is not one of RE2: ${error.message}`;
    throw error;
  }
}
