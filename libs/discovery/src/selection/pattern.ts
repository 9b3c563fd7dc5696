import { RE2JS, RE2JSException } from 're2js';

/**
 * Bounds of patterns: a search costs at most the instructions of the pattern times the characters that are searched, some
 * 0.1 µs each in the worst case, which is 5 ms for all patterns of a filter.
 */
const MAX_PATTERN_LENGTH = 200;
export const MAX_INSTRUCTIONS = 200;

/** How many characters (UTF-16 code units) of a text are searched, from its beginning. */
export const MAX_MATCHED_LENGTH = 256;

/** Is called with the number of steps before they are taken, and throws when they are too many. */
export type Meter = (steps: number) => void;

export type TextTest = (text: string) => boolean;

/** A test of texts for a part that matches the pattern. RE2 takes time in proportion to the length of the text. */
export function patternTest(pattern: string, meter: Meter): TextTest {
  const compiled = RE2JS.compile(pattern);
  const instructions = compiled.programSize();
  return text => {
    const searched = text.length > MAX_MATCHED_LENGTH ? text.slice(0, MAX_MATCHED_LENGTH) : text;
    meter(instructions * (searched.length + 1));
    return compiled.test(searched);
  };
}

/** The number of instructions that a pattern compiles to, or what is wrong with it. */
export function sizeOfPattern(pattern: string): number | string {
  if (pattern.length > MAX_PATTERN_LENGTH) return `the pattern has more than ${MAX_PATTERN_LENGTH} characters`;
  try {
    return RE2JS.compile(pattern).programSize();
  } catch (error) {
    if (error instanceof RE2JSException) return `the pattern is not valid in RE2: ${error.message}`;
    throw error;
  }
}
