import fc from 'fast-check';
import { type SharedBody } from '@coordination/http';
import { Scheduler } from '@coordination/scheduling';
import { describe, expect, it } from 'vitest';
import { bodyOfPieces, encodePieces, type Piece, PIECE_ITEMS } from './pieces.js';

interface Item {
  readonly key: string;
  readonly n: number;
  readonly note?: string;
}

let encoded = 0;
const encoding = {
  keyOf: ({ key }: Item) => key,
  jsonOf: (item: Item) => {
    encoded += 1;
    return JSON.stringify(item);
  },
};

const keyAt = (n: number) => `k-${String(n).padStart(6, '0')}`;
const itemsOf = (count: number): Item[] =>
  Array.from({ length: count }, (_, n) => ({ key: keyAt(2 * n), n, note: 'x'.repeat(60) }));

async function encode(items: readonly Item[], earlier: readonly Piece<Item>[] = []): Promise<readonly Piece<Item>[]> {
  const turn = new Scheduler().begin({ workClass: 'heavy' });
  return await encodePieces(items, earlier, encoding, turn);
}

const bodyOf = (pieces: readonly Piece<Item>[]) => bodyOfPieces('[', pieces, ']') as SharedBody;
const textOf = (pieces: readonly Piece<Item>[]) => String(bodyOfPieces('[', pieces, ']'));

describe('a list in pieces', () => {
  it('has the bytes of the list in one piece, after any changes', async () => {
    const change = fc.record({ at: fc.nat(1_200), what: fc.constantFrom('put', 'remove', 'remove many', 'put many') });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 8 }), async versions => {
        let items = itemsOf(500);
        let pieces = await encode(items);
        for (const [version, changes] of versions.entries()) {
          for (const { at, what } of changes) {
            const many = what.endsWith('many') ? 300 : 1;
            const keys = new Set(Array.from({ length: many }, (_, n) => keyAt(at + n)));
            items = items.filter(({ key }) => !keys.has(key));
            if (what.startsWith('put')) items.push(...[...keys].map(key => ({ key, n: version })));
            items.sort((a, b) => (a.key < b.key ? -1 : 1));
          }
          pieces = await encode(items, pieces);
          expect(textOf(pieces)).toBe(JSON.stringify(items));
          expect(pieces.flatMap(piece => piece.items)).toEqual(items);
          expect(Math.max(0, ...pieces.map(piece => piece.items.length))).toBeLessThanOrEqual(2 * PIECE_ITEMS);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('shares all pieces but one with the list before a change of one item, and encodes only that one again', async () => {
    const items = itemsOf(2_000);
    const pieces = await encode(items);
    for (const at of [0, 127, 128, 1_000, 1_999]) {
      encoded = 0;
      const next = await encode(items.with(at, { ...items[at]!, n: -1 }), pieces);
      expect(next).toHaveLength(pieces.length);
      expect(next.filter(piece => !pieces.includes(piece))).toHaveLength(1);
      expect(encoded, `change at ${at}`).toBeLessThanOrEqual(2 * PIECE_ITEMS);
      const memory = new Set(bodyOf(pieces).pieces.map(({ buffer }) => buffer));
      const others = bodyOf(next).pieces.filter(({ buffer }) => !memory.has(buffer));
      expect(others, 'the piece, and what is before and after the items').toHaveLength(3);
    }
    for (const changed of [items.toSpliced(700, 1), items.toSpliced(700, 0, { key: keyAt(1_399), n: 0 })]) {
      const next = await encode(changed, pieces);
      expect(next.filter(piece => !pieces.includes(piece))).toHaveLength(1);
    }
  });

  it('does not come to consist of ever more and smaller pieces', async () => {
    let items = itemsOf(2_000);
    let pieces = await encode(items);
    // All but every fiftieth are removed, one after another.
    for (let n = 0; n < 2_000; n++) {
      if (n % 50 === 0) continue;
      items = items.filter(({ key }) => key !== keyAt(2 * n));
      if (n % 20 === 0 || n === 1_999) pieces = await encode(items, pieces);
    }
    expect(items).toHaveLength(40);
    expect(textOf(pieces)).toBe(JSON.stringify(items));
    expect(pieces.length).toBeLessThanOrEqual(16);
    pieces = await encode([], pieces);
    expect(textOf(pieces)).toBe('[]');
  });

  it('is a text while it is short, and one piece while it is of medium size, since many are dearer to send', async () => {
    const few = await encode(itemsOf(100));
    expect(typeof bodyOfPieces('[', few, ']')).toBe('string');
    expect(textOf(few)).toBe(JSON.stringify(itemsOf(100)));
    const more = await encode(itemsOf(800));
    expect(more.length).toBeGreaterThan(1);
    expect(bodyOf(more).pieces).toHaveLength(1);
    expect(textOf(more)).toBe(JSON.stringify(itemsOf(800)));
  });
});
