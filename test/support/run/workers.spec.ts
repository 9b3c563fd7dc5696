import { describe, expect, it } from 'vitest';
import { workers } from './workers.js';

describe('workers', () => {
  it.each([
    ['a quiet machine of two cores', 2, 0, 5],
    ['one that others use a little', 2, 1.9, 5],
    ['one that others use as much', 2, 4, 2],
    ['one that is overrun', 2, 14, 2],
    ['one core', 1, 0, 2],
    ['one core that is busy', 1, 3, 1],
    ['many cores', 32, 0, 8],
    ['many cores that are busy', 16, 128, 5],
  ])('of %s', (_what, cores, load, expected) => {
    expect(workers(cores, load)).toBe(expected);
  });
});
