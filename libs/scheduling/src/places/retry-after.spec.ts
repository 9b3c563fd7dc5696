import { describe, expect, it } from 'vitest';
import { retryAfterSeconds } from './retry-after.js';

describe('retryAfterSeconds', () => {
  it('chooses from a range that grows with the line', () => {
    expect([0, 0.999].map(random => retryAfterSeconds(0, random))).toEqual([1, 3]);
    expect([0, 0.5, 0.999].map(random => retryAfterSeconds(200, random))).toEqual([1, 7, 13]);
  });
});
