import { ValidationFailedError } from '@coordination/kernel';
import { describe, expect, it } from 'vitest';
import { formatETag, matchesNone, parseIfNoneMatch } from '../index.js';
import { parseIfMatch } from './etag.js';

describe('If-Match', () => {
  it.each([
    [undefined, undefined],
    ['*', '*'],
    ['"7"', [7]],
    [' "7" , "8" ', [7, 8]],
    ['"7", ', [7]],
    ['"9007199254740991"', [9007199254740991]],
    ['W/"7"', [7]],
    ['W/"7", "8"', [7, 8]],
    ['"7-gzip"', [7]],
    ['"7;gzip", W/"8--gzip"', [7, 8]],
    ['W/"7-br" ,"8-zstd","9-deflate"', [7, 8, 9]],
  ])('%s names %j', (header, versions) => {
    expect(parseIfMatch(header)).toEqual(versions);
  });

  it.each([
    '7',
    'w/"7"',
    'W/7',
    'W/ "7"',
    'W/',
    '"7-"',
    '"7-x"',
    '"-gzip"',
    '"7-gzip-gzip"',
    '7-gzip',
    'W/"7',
    '"0"',
    '"-1"',
    '"x"',
    '',
    '"7" "8"',
    '"7", *',
    '"9007199254740993"',
  ])('%s is refused', header => {
    expect(() => parseIfMatch(header)).toThrow(ValidationFailedError);
  });

  it('takes as many tags as fit into 2,000 characters, all of them, and no more', () => {
    const tags = Array.from({ length: 250 }, (_, n) => n + 1000);
    const header = tags.map(formatETag).join(',');
    expect(header.length).toBeLessThan(2_000);
    expect(parseIfMatch(header)).toEqual(tags);
    expect(() => parseIfMatch(`${header},${header}`)).toThrow(ValidationFailedError);
    expect(() => parseIfNoneMatch(`${header},${header}`)).toThrow(ValidationFailedError);
  });

  it('takes back what formatETag gives', () => {
    expect(parseIfMatch(formatETag(41))).toEqual([41]);
  });
});

describe('If-None-Match', () => {
  it('matches weakly, in lists, and with *', () => {
    expect(matchesNone(parseIfNoneMatch('W/"a-1", "b-2"'), 'b-2')).toBe(true);
    expect(matchesNone(parseIfNoneMatch('W/"a-1"'), 'a-1')).toBe(true);
    expect(matchesNone(parseIfNoneMatch('*'), 'anything')).toBe(true);
    for (const altered of ['"a-1-gzip"', 'W/"a-1-br"', '"a-1;gzip"', '"x", "a-1--gzip"']) {
      expect(matchesNone(parseIfNoneMatch(altered), 'a-1'), altered).toBe(true);
    }
    expect(matchesNone(parseIfNoneMatch('"a-1"'), 'a-2')).toBe(false);
    expect(matchesNone(parseIfNoneMatch(undefined), 'a-1')).toBe(false);
  });

  it('refuses what is no entity tag', () => {
    expect(() => parseIfNoneMatch('a-1')).toThrow(ValidationFailedError);
  });
});
