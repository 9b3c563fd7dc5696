import { describe, expect, it } from 'vitest';
import { type JsonValue } from '@coordination/kernel';
import { containsJson } from './json-containment.js';

describe('containment of JSON', () => {
  it.each<[JsonValue, JsonValue]>([
    [{ a: 1, b: 2 }, {}],
    [{ a: { b: 1, c: 2 } }, { a: { b: 1 } }],
    [{ a: [1, 2, 3] }, { a: [3, 1] }],
    [{ a: [1, 2] }, { a: [1, 1, 1] }],
    [{ a: [[1, 2], { b: 1, c: 1 }] }, { a: [{ b: 1 }, [2]] }],
    [{ a: [] }, { a: [] }],
    [{ a: null }, { a: null }],
    [{ a: 1.5 }, { a: 1.5 }],
  ])('%j contains %j', (have, want) => expect(containsJson(have, want)).toBe(true));

  it.each<[JsonValue, JsonValue]>([
    [{ a: 1 }, { b: 1 }],
    [{}, { a: null }],
    [{ a: 'x' }, { a: 'X' }],
    [{ a: '1' }, { a: 1 }],
    [{ a: [1] }, { a: 1 }], // the exception for bare scalars holds at the top only
    [{ a: 1 }, { a: [1] }],
    [{ a: [1] }, { a: {} }],
    [{ a: {} }, { a: [] }],
    [{ a: [[1], [2]] }, { a: [[1, 2]] }],
    [{ a: null }, { a: {} }],
    [{}, { constructor: {} }], // what every object inherits is not in it
    [{ a: {} }, { a: JSON.parse('{"__proto__": {}}') as JsonValue }],
  ])('%j does not contain %j', (have, want) => expect(containsJson(have, want)).toBe(false));
});
