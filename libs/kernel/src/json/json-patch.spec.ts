import * as fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import { describe, expect, it } from 'vitest';
import { patchBetween } from './json-patch.js';

/** What a patch makes of a value, by a library that applies patches; it changes what it is given. */
function applied(before: unknown, after: unknown): unknown {
  const value = structuredClone(before);
  expect(applyPatch(value, patchBetween(before, after)).filter(failure => failure !== null)).toEqual([]);
  return value;
}

const key = fc.oneof(
  fc.constantFrom('a', 'b', '', '/', '~', '~1', '~0/', '-', '0', 'ä😀'),
  fc.constantFrom('constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'),
);

const { object } = fc.letrec<{ value: unknown; object: Record<string, unknown> }>(tie => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, 1, 1.5, '', 'x', '/'),
    fc.array(tie('value'), { maxLength: 5 }),
    tie('object'),
  ),
  object: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
}));

describe('A patch between two JSON values', () => {
  it('makes the one of the other, whatever keys and values they have', () => {
    fc.assert(
      fc.property(object, object, (before, after) => {
        expect(applied(before, after)).toEqual(after);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is empty for values that say the same', () => {
    fc.assert(
      fc.property(object, it => {
        expect(patchBetween(it, structuredClone(it))).toEqual([]);
      }),
    );
    expect(patchBetween({ a: 1, b: [{ c: 1, d: 2 }] }, { b: [{ d: 2, c: 1 }], a: 1 })).toEqual([]);
  });

  it('says no more than what differs', () => {
    const before = { weight: 100, metadata: { tags: { team: 'a', 'x/y~z': '1' }, capabilities: ['pay', 'refund'] } };
    const after = { weight: 100, metadata: { tags: { team: 'b' }, capabilities: ['pay', 'hold', 'refund'] } };
    expect(patchBetween(before, after)).toEqual([
      { op: 'remove', path: '/metadata/tags/x~1y~0z' },
      { op: 'replace', path: '/metadata/tags/team', value: 'b' },
      { op: 'add', path: '/metadata/capabilities/1', value: 'hold' },
    ]);
  });

  it.each([
    ['long', () => Array.from({ length: 16_000 }, (_, n) => n % 7)],
    ['many', () => Array.from({ length: 1_000 }, (_, n) => Array.from({ length: 15 }, (_, m) => (n * m) % 7))],
    ['deep', () => deep(8)],
  ])('of %s arrays costs no more than they are large', (_, make) => {
    const before = { metadata: make() };
    const after = { metadata: [1, ...make(), 2] };
    expect(applied(before, after)).toEqual(after);
    const aligned = patchBetween(before, after).length;
    expect(aligned).toBeLessThan(200);
  });
});

/** Arrays in arrays, three each. */
const deep = (levels: number): unknown[] => Array.from({ length: 3 }, (_, n) => (levels === 1 ? n : deep(levels - 1)));
