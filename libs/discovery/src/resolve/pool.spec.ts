import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pool } from './pool.js';

const shares = fc.uniqueArray(
  fc.record({ id: fc.string({ minLength: 1, maxLength: 3 }), weight: fc.integer({ min: 1, max: 10_000 }) }),
  { selector: ({ id }) => id, minLength: 1, maxLength: 40 },
);

const half = () => 0.5;

/** Names in another order than their numbers. */
const scattered = (n: number) => String((n * 37) % 100).padStart(2, '0');

describe('a pool', () => {
  it('gives each as many of the marks on its scale as it has weight, so exactly that probability', () => {
    fc.assert(
      fc.property(shares, members => {
        const light = members.map(({ id, weight }) => ({ id, weight: (weight % 7) + 1 }));
        const pool = new Pool(light);
        const found = new Map<string, number>();
        for (let mark = 0; mark < pool.weight; mark++) {
          const id = pool.pick(() => (mark + 0.5) / pool.weight);
          found.set(id, (found.get(id) ?? 0) + 1);
        }
        expect(found).toEqual(new Map(light.map(({ id, weight }) => [id, weight])));
      }),
    );
  });

  it('returns an id for the least and the greatest number', () => {
    fc.assert(
      fc.property(shares, members => {
        const pool = new Pool(members);
        expect(pool.pick(() => 0)).toBe(pool.ids[0]);
        expect(pool.pick(() => 1 - Number.EPSILON / 2)).toBe(pool.ids.at(-1));
      }),
    );
  });

  it('returns each id once in every round', () => {
    fc.assert(
      fc.property(shares, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (members, start) => {
        const pool = new Pool(members);
        let last: string | undefined;
        for (let round = 0; round < 3; round++) {
          const seen = new Set<string>();
          for (const _ of members) seen.add((last = pool.next(last, () => start)));
          expect(seen.size).toBe(members.length);
        }
      }),
    );
  });

  it('skips no id that stays while others are added and removed', () => {
    const staying = fc.uniqueArray(fc.integer({ min: 0, max: 49 }), { minLength: 1, maxLength: 10 });
    const passing = fc.array(fc.array(fc.integer({ min: 50, max: 99 }), { maxLength: 5 }), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(staying, passing, (stay, visits) => {
        const turns = new Map<string, number>();
        let last: string | undefined;
        for (const visit of visits) {
          const ids = [...new Set([...stay, ...visit])].map(scattered);
          last = new Pool(ids.map(id => ({ id, weight: 1 }))).next(last, half);
          turns.set(last, (turns.get(last) ?? 0) + 1);
        }
        const counts = stay.map(n => turns.get(scattered(n)) ?? 0);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
