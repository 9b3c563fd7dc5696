import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeptBodies, type KeptBody } from './kept-bodies.js';
import { SharedBody } from '../sending/shared-body.js';

const PIECE = 10_000;
const pieces = Array.from({ length: 6 }, (_, n) => SharedBody.bytesOf(String(n).repeat(PIECE)));

const bodyOf = (numbers: readonly number[]): KeptBody => ({ body: new SharedBody(numbers.map(n => pieces[n]!)) });

/** The key is one character. */
const OVERHEAD = 513;

/** What the model keeps: keys and their pieces, the least recently used first. */
type Model = readonly { readonly key: string; readonly numbers: readonly number[] }[];

const bytesOf = (model: Model): number =>
  new Set(model.flatMap(({ numbers }) => numbers)).size * PIECE + model.length * OVERHEAD;

/** The shortest rest of the model that fits. */
function fitting(model: Model, maxBytes: number): Model {
  const from = model.findIndex((_, n) => bytesOf(model.slice(n)) <= maxBytes);
  return from === -1 ? [] : model.slice(from);
}

describe('kept bodies', () => {
  it('are those last used whose distinct bytes fit, whatever is kept and asked for', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      numbers: fc.option(fc.subarray([0, 1, 2, 3, 4, 5], { minLength: 1 })),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (steps, room) => {
        const maxBytes = room * PIECE;
        const kept = new KeptBodies(maxBytes);
        let model: Model = [];
        for (const { key, numbers } of steps) {
          const known = model.find(entry => entry.key === key);
          const others = model.filter(entry => entry.key !== key);
          if (numbers) {
            kept.set(key, bodyOf(numbers));
            const entry = { key, numbers };
            model = bytesOf([entry]) > maxBytes ? others : fitting([...others, entry], maxBytes);
          } else {
            expect(kept.get(key)).toEqual(known && bodyOf(known.numbers));
            if (known) model = [...others, known];
          }
          expect([kept.size, kept.byteLength]).toEqual([model.length, bytesOf(model)]);
          expect(kept.byteLength).toBeLessThanOrEqual(maxBytes);
        }
      }),
    );
  });

  it('count texts, and compressed forms once they are made', () => {
    const kept = new KeptBodies<KeptBody>(100_000);
    const compressed = { byteLength: 0 };
    const one = { body: 'x'.repeat(1_000), compressed } as unknown as KeptBody;
    kept.set('a', one);
    kept.set('b', { body: 'y' });
    expect(kept.byteLength).toBe(1_001 + 2 * OVERHEAD);
    compressed.byteLength = 500;
    kept.resize('a', one);
    kept.resize('a', one);
    kept.resize('a', { body: 'a body that was replaced' });
    expect(kept.byteLength).toBe(1_501 + 2 * OVERHEAD);
    compressed.byteLength = 200_000;
    kept.resize('a', one);
    expect([kept.size, kept.get('a')], 'a form that exceeds the bound is dropped with its body').toEqual([
      1,
      undefined,
    ]);
    expect(kept.byteLength).toBe(1 + OVERHEAD);
  });
});
