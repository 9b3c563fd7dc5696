import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonValue } from '@coordination/kernel';
import { aJson, frozen } from '../../../../test/support/laws/arbitraries.js';
import { mergePatch } from './merge-patch.js';

/** RFC 7396, appendix A: original, patch, result. */
const EXAMPLES: readonly (readonly [JsonValue, JsonValue, JsonValue])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

/** Whether an object, outside arrays, has a member that is null. */
const hasNull = (value: JsonValue): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).some(member => member === null || hasNull(member));

describe('A merge patch', () => {
  it.each(EXAMPLES)('of %j by %j gives %j (RFC 7396, appendix A)', (original, patch, result) => {
    expect(mergePatch(original, patch)).toEqual(result);
  });

  it('of nothing is the patch without its nulls', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), aJson), patch => {
        expect(hasNull(mergePatch(undefined, patch))).toBe(false);
      }),
    );
  });

  it('leaves no null of its own', () => {
    fc.assert(
      fc.property(aJson, aJson, (original, patch) => {
        const clean = mergePatch(undefined, original);
        expect(patch === null || !hasNull(mergePatch(clean, patch))).toBe(true);
      }),
    );
  });

  it('applied twice gives what it gave once', () => {
    fc.assert(
      fc.property(aJson, aJson, (original, patch) => {
        const once = mergePatch(original, patch);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  it('that is empty changes nothing of an object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), aJson), original => {
        expect(mergePatch(original, {})).toEqual(original);
      }),
    );
  });

  it('changes neither of its arguments', () => {
    fc.assert(
      fc.property(aJson, aJson, (original, patch) => {
        mergePatch(frozen(original), frozen(patch));
      }),
    );
  });

  it('takes keys that name parts of JavaScript for plain keys', () => {
    const patch = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}');
    const merged = mergePatch({ a: 1 }, patch) as object;
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
    expect(JSON.stringify(merged)).toBe(
      '{"a":1,"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    );
  });

  it('does not find inherited members in its target', () => {
    expect(mergePatch({}, { toString: { a: 1 } })).toEqual({ toString: { a: 1 } });
  });
});
