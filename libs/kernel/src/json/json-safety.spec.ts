import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findUnstorable, pointerToken } from '../index.js';
import { MAX_JSON_DEPTH } from './json-safety.js';

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

describe('findUnstorable', () => {
  it('finds nothing in what JSON and PostgreSQL both keep', () => {
    const value = { a: [1, -0.5, 1e300 / 3e290, true, null, 'text ☃ 🙂'], constructor: 1, prototype: {}, '': '' };
    expect(findUnstorable(value)).toEqual([]);
    expect(findUnstorable(nested(MAX_JSON_DEPTH))).toEqual([]);
  });

  it.each([
    ['U+0000', { a: ['x', 'y\0'] }, '/a/1'],
    ['a lone surrogate', { 'a/b': { '~': '\udc00' } }, '/a~1b/~0'],
    ['infinity', [1, JSON.parse('1e400')], '/1'],
    ['an integer that a double does not keep', { n: 2 ** 53 }, '/n'],
    ['the negative of one', { n: -(2 ** 53) }, '/n'],
    ['a key with U+0000', { a: { 'b\0': 1 } }, '/a'],
    ['__proto__', JSON.parse('{"a":{"__proto__":1}}'), '/a'],
    ['a bad text as the whole', '\0', ''],
  ])('finds %s and says where', (_what, value, path) => {
    expect(findUnstorable(value).map(finding => finding.path)).toEqual([path]);
    expect(findUnstorable(value, '/metadata').map(finding => finding.path)).toEqual([`/metadata${path}`]);
  });

  it('finds every place, and stops at a hundred', () => {
    expect(findUnstorable({ a: '\0', b: ['\0', Infinity] })).toHaveLength(3);
    expect(findUnstorable(Array.from({ length: 5_000 }, () => '\0'))).toHaveLength(100);
  });

  it('is not harmed by any depth', () => {
    const [finding] = findUnstorable(nested(200_000));
    expect(finding).toMatchObject({ path: '/0'.repeat(MAX_JSON_DEPTH), structural: true });
    expect(findUnstorable(nested(9), '', 8)).toHaveLength(1);
    expect(findUnstorable(nested(8), '', 8)).toEqual([]);
  });

  it('agrees with a naive check on any JSON value', () => {
    const isClean = (value: unknown): boolean => {
      if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
      if (typeof value === 'number')
        return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
      if (typeof value !== 'object' || value === null) return true;
      return Object.entries(value).every(([key, child]) => key !== '__proto__' && isClean(key) && isClean(child));
    };
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 5 }), value => {
        const copy: unknown = JSON.parse(JSON.stringify(value));
        expect(findUnstorable(copy).length === 0).toBe(isClean(copy));
      }),
    );
  });
});

it('escapes what a JSON pointer needs escaped', () => {
  expect(pointerToken('a/b~c')).toBe('a~1b~0c');
});
