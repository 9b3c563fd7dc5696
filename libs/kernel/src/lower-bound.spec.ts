import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowerBound } from './lower-bound.js';

describe('lowerBound', () => {
  it('finds what a linear search finds, in any range', () => {
    const sorted = fc.array(fc.integer({ min: 0, max: 20 })).map(items => items.sort((a, b) => a - b));
    fc.assert(
      fc.property(sorted, fc.integer({ min: -1, max: 21 }), fc.nat(30), fc.nat(30), (items, wanted, a, b) => {
        const [from = 0, to = 0] = [Math.min(a, items.length), Math.min(b, items.length)].sort((x, y) => x - y);
        const found = items.slice(from, to).findIndex(item => item >= wanted);
        const expected = found === -1 ? to : from + found;
        expect(lowerBound(items, item => item < wanted, from, to)).toBe(expected);
      }),
    );
  });

  it('searches all items by default', () => {
    expect(lowerBound(['a', 'b', 'd'], item => item < 'c')).toBe(2);
    expect(lowerBound([], () => true)).toBe(0);
  });
});
