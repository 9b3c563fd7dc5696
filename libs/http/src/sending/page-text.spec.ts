import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PageText } from './page-text.js';

describe('the text of a page', () => {
  it('of all pages together has every item once and in order, and no page is larger than it may be', () => {
    const someItem = fc.oneof(fc.integer(), fc.string(), fc.string({ unit: 'binary' }), fc.array(fc.integer()));
    fc.assert(
      fc.property(fc.array(someItem), fc.integer({ min: 1, max: 60 }), (items, maxBytes) => {
        const read: unknown[] = [];
        while (read.length < items.length) {
          const page = new PageText(maxBytes);
          const rest = items.slice(read.length);
          const end = rest.findIndex(item => !page.add(JSON.stringify(item)));
          const text = String(page.body('[', ']'));
          const onPage = JSON.parse(text) as unknown[];
          expect(onPage.length).toBe(page.size);
          expect(onPage.length, 'each page makes progress').toBeGreaterThan(0);
          expect(end === -1 ? rest.length : end).toBe(onPage.length);
          if (page.size > 1) expect(Buffer.byteLength(text) - '[]'.length).toBeLessThanOrEqual(maxBytes);
          // A page that ended early had no room for the next item.
          if (end !== -1) {
            expect(Buffer.byteLength(text) + Buffer.byteLength(JSON.stringify(rest[end]))).toBeGreaterThan(
              maxBytes + '[]'.length - ','.length,
            );
          }
          read.push(...onPage);
        }
        expect(read).toEqual(JSON.parse(JSON.stringify(items)));
      }),
    );
  });

  it('counts bytes, not characters', () => {
    const page = new PageText(9);
    expect(page.add('"€€"')).toBe(true);
    expect(page.add('1')).toBe(false);
    expect(page.size).toBe(1);
  });

  it('without items is an empty array', () => {
    expect(new PageText().body('[', ']')).toBe('[]');
  });
});
