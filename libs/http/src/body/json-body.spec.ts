import fc from 'fast-check';
import { MalformedJsonError } from '@coordination/kernel';
import { describe, expect, it } from 'vitest';
import { countKeysInText, countKeysInValue, findDuplicateKey } from './duplicate-keys.js';
import { parseJsonBody } from './json-body.js';

const plainKeys = { stringUnit: 'grapheme', maxDepth: 5 } as const;

describe('parseJsonBody', () => {
  it('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(plainKeys), fc.constantFrom(0, 1, 4), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(!text.includes('__proto__') && !/\de\+|\d{16}/.test(text));
        expect(parseJsonBody(Buffer.from(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('takes nothing for nothing', () => {
    expect(parseJsonBody(Buffer.alloc(0))).toBeUndefined();
  });

  it.each([
    ['{"a":1,"a":2}', '/a'],
    ['{"x":[1,{"b":1,"c":{"d":1,"d":2}}]}', '/x/1/c/d'],
    ['{"a" : 1 , "\\u0061"\n:2}', '/a'],
    ['{"a":{"b":1},"c":[{"b":1},{"b":1,"b":2}]}', '/c/1/b'],
    ['{"a":"\\"b\\":","a":1}', '/a'],
    ['{"\\\\":1,"\\\\":2}', '/\\'],
  ])('finds the duplicate key in %s', (text, path) => {
    expect(() => parseJsonBody(Buffer.from(text))).toThrow(MalformedJsonError);
    expect(findDuplicateKey(text)).toBe(path);
  });

  it('is not misled by texts that look like keys', () => {
    const text = '{"a":"b\\":","b":["a:","\\\\"],"c":{"a":":"}}';
    expect(findDuplicateKey(text)).toBeUndefined();
    expect(parseJsonBody(Buffer.from(text))).toEqual(JSON.parse(text));
  });

  it('counts keys in the text as in the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(plainKeys), value => {
        const text = JSON.stringify(value);
        expect(countKeysInText(text)).toBe(countKeysInValue(JSON.parse(text)));
      }),
    );
  });

  it('says where JSON ends to be JSON', () => {
    expect(() => parseJsonBody(Buffer.from('{"a":1,}'))).toThrow(/not JSON: .*position 7/);
  });
});
