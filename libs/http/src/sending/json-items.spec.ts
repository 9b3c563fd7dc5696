import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonItems } from './json-items.js';
import { SharedBody } from './shared-body.js';

const PIECE = 64 * 1024;

/** Items of which some fill a piece alone, in one byte for each character and in more. */
const someItem = fc.oneof(
  fc.string({ unit: 'binary' }).map(text => JSON.stringify(text)),
  fc
    .tuple(fc.constantFrom('x', 'ä', '€', '😀'), fc.constantFrom(1, 7_000, 40_000))
    .map(([text, n]) => `"${text.repeat(n)}"`),
);

describe('JSON items', () => {
  it('are the text that they make together, whatever their sizes', () => {
    fc.assert(
      fc.property(fc.array(someItem, { maxLength: 30 }), items => {
        const made = new JsonItems();
        for (const item of items) made.add(item);
        expect(made.size).toBe(items.length);
        expect(made.byteLength).toBe(Buffer.byteLength(items.join(',')));
        const body = made.body('{"items":[', ']}');
        expect(String(body)).toBe(`{"items":[${items.join(',')}]}`);
      }),
      { numRuns: 60 },
    );
  });

  it('are encoded while they are added, so that no step encodes all of them', () => {
    const made = new JsonItems();
    const item = JSON.stringify('x'.repeat(2_000));
    for (let n = 0; n < 1_000; n++) made.add(item);
    const { pieces } = made.body('[', ']') as SharedBody;
    const largest = Math.max(...pieces.map(({ byteLength }) => byteLength));
    expect(largest).toBeLessThan(PIECE + 2 * item.length);
  });
});
