import canonicalize from 'canonicalize';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, canonicalTextOf, inCanonicalOrder, sameJson } from './canonical-json.js';

/** JSON with keys that JavaScript does not keep in their place, and texts that JSON must escape. */
const awkward = fc.letrec(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>(null, true, false, 0, -0, 1e21, 1e-7, 0.1, 'é', '\u2028', '"\\\n', '\\ud800', '😀', ''),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'binary' }).filter(text => text.isWellFormed()),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(
        fc.constantFrom('10', '9', '1a', '-1', '__proto__', 'constructor', 'é', 'z', 'A', '', ':', '/', 'toJSON'),
        fc.string({ unit: 'grapheme', maxLength: 3 }),
      ),
      tie('value'),
      { maxKeys: 5 },
    ),
  ),
})).value;

/** The text of so many objects in one another. */
const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

describe('canonicalJson', () => {
  it('is what an implementation of RFC 8785 gives, whatever the keys and the texts', () => {
    fc.assert(
      fc.property(awkward, value => {
        expect(canonicalJson(value)).toBe(canonicalize(value));
      }),
    );
  });

  it('orders keys by UTF-16, and the keys of nested objects too', () => {
    const value = { b: { z: 1, é: 2, a: [{ d: 1, c: 2 }] }, a: 10, B: null, '\u{1f600}': 1, '\uffff': 2 };
    expect(canonicalJson(value)).toBe('{"B":null,"a":10,"b":{"a":[{"c":2,"d":1}],"z":1,"é":2},"😀":1,"\uffff":2}');
  });

  it('orders keys as texts where JavaScript orders them as numbers', () => {
    expect(canonicalJson({ 9: 'a', 10: 'b', '-': 'c' })).toBe('{"-":"c","10":"b","9":"a"}');
    expect(canonicalJson({ b: { 2: 0, 11: 0 }, a: 1 })).toBe('{"a":1,"b":{"11":0,"2":0}}');
  });

  it('leaves undefined properties out, and writes null for undefined items, as JSON does', () => {
    expect(canonicalJson({ b: undefined, a: [undefined, 1] })).toBe('{"a":[null,1]}');
  });

  it('uses toJSON where a value has one', () => {
    expect(canonicalJson({ at: new Date(0), a: 1 })).toBe('{"a":1,"at":"1970-01-01T00:00:00.000Z"}');
    expect(canonicalJson({ toJSON: () => 'other' })).toBe('"other"');
  });

  it('takes any depth', () => {
    for (const levels of [60, 64, 65, 3_000]) {
      expect(canonicalJson(JSON.parse(deep(levels)))).toBe(deep(levels));
    }
  });

  it.each([
    ['a lone surrogate in a text', { a: '\ud800' }],
    ['a lone surrogate in a key', { '\udc00': 1 }],
    ['a number that is none', { a: [Number.NaN] }],
    ['an infinite number', Infinity],
    ['no JSON value', undefined],
    ['a function', () => 1],
  ])('has no form for %s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow();
  });

  it('has no form for a circle', () => {
    const circle: Record<string, unknown> = {};
    circle['a'] = [circle];
    expect(() => canonicalJson(circle)).toThrow();
  });
});

describe('inCanonicalOrder', () => {
  it('changes nothing of its value, and returns what is in order as it is', () => {
    const value = Object.freeze({ b: Object.freeze([1, Object.freeze({ d: 1, c: 2 })]), a: 1 });
    expect(canonicalTextOf(inCanonicalOrder(value))).toBe('{"a":1,"b":[1,{"c":2,"d":1}]}');
    const sorted = { a: [1, { c: 1 }], b: null };
    expect(inCanonicalOrder(sorted)).toBe(sorted);
  });

  it('is not possible with keys that JavaScript would move', () => {
    expect(inCanonicalOrder({ a: { 1: 2 } })).toBeUndefined();
    expect(inCanonicalOrder(JSON.parse('{"__proto__":{"a":1}}'))).toBeUndefined();
  });
});

describe('sameJson', () => {
  it('is whether the canonical forms are equal', () => {
    fc.assert(
      fc.property(awkward, awkward, (a, b) => {
        expect(sameJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
        expect(sameJson(a, JSON.parse(canonicalJson(a)))).toBe(true);
      }),
    );
  });

  it.each<[string, unknown, unknown, boolean]>([
    ['keys in another order', { a: 1, b: { c: [1], d: 2 } }, { b: { d: 2, c: [1] }, a: 1 }, true],
    ['an undefined property', { a: 1, b: undefined }, { a: 1 }, true],
    ['an undefined property of the other', { a: 1 }, { a: 1, b: undefined }, true],
    ['0 and -0', [0], [-0], true],
    ['a further key', { a: 1 }, { a: 1, b: 1 }, false],
    ['another key', { a: 1 }, { b: 1 }, false],
    ['a key of Object.prototype', JSON.parse('{"__proto__":{}}'), { x: 1 }, false],
    ['an array and an object', [1], { 0: 1 }, false],
    ['an object and null', {}, null, false],
    ['the order of items', [1, 2], [2, 1], false],
    ['a longer array', [1], [1, 1], false],
  ])('%s', (_, a, b, same) => {
    expect(sameJson(a, b)).toBe(same);
    expect(sameJson(b, a)).toBe(same);
  });
});
