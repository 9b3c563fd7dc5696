import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { complaintAboutText, readable } from './readable-text.js';

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

/** Controls but tab and line ends, marks and overrides of direction, and others that nobody sees. */
const HIDDEN = [
  ...range(0x00, 0x1f).filter(code => ![0x09, 0x0a, 0x0d].includes(code)),
  ...range(0x7f, 0x9f),
  0x00ad,
  0x061c,
  0x180e,
  0x200b,
  0x200e,
  0x200f,
  ...range(0x2028, 0x202e),
  ...range(0x2060, 0x2064),
  ...range(0x2066, 0x206f),
  0xfeff,
  ...range(0xfff9, 0xfffb),
  ...range(0xe0020, 0xe007f),
].map(code => [`U+${code.toString(16).toUpperCase().padStart(4, '0')}`, String.fromCodePoint(code)] as const);

describe('A text that people read', () => {
  it('has none of the characters that they do not see, and the complaint names the character', () => {
    for (const [name, character] of HIDDEN) {
      const text = `before${character}after`;
      expect(complaintAboutText(text), name).toContain(name === 'U+0000' ? 'U+0000' : `must not have ${name}:`);
      expect(readable(text), name).toBe('before\uFFFDafter');
    }
  });

  it.each([
    ['', 'nothing'],
    ['moved to rack 7\n\tsee #12\r\n', 'lines and tabs'],
    ['über Nacht – „geplant“ 10 % €', 'Latin letters and signs'],
    ['切换机房 переезд نقل العتاد העברה', 'other scripts'],
    ['می‌خواهم', 'a non-joiner'],
    ['👩‍💻 🏳️‍🌈 🇩🇪 ❤️', 'emoji'],
    ['e\u0301', 'a combining accent'],
    ['a\u00a0b', 'a space that is wide'],
    ['\u0600\u0661', 'a mark of a number'],
  ])('may be %j: %s', text => {
    expect(complaintAboutText(text)).toBeUndefined();
    expect(readable(text)).toBe(text);
  });

  it('is storable', () => {
    expect(complaintAboutText('\ud800')).toContain('surrogate');
    expect(readable('a\ud800')).toBe('a\uFFFD');
  });

  it('is whatever was made readable', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(complaintAboutText(readable(text))).toBeUndefined();
        if (complaintAboutText(text) === undefined) expect(readable(text)).toBe(text);
      }),
    );
  });
});
