import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { SortedValues } from './sorted-values.js';

const plain = (map: ReadonlyMap<string, object>) => [...map.keys()].sort().map(key => map.get(key));

describe('the sorted values of a map', () => {
  it('are its values in the order of keys, whatever was added, removed and added again in between', () => {
    const change = fc.tuple(fc.constantFrom('add', 'remove', 'look'), fc.stringMatching(/^[ab]{1,3}$/));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), changes => {
        const values = new SortedValues();
        const map = new Map<string, object>();
        for (const [what, key] of changes) {
          if (what === 'add') map.set(key, { key });
          else if (what === 'remove') map.delete(key);
          else expect(values.of(map)).toEqual(plain(map));
        }
        expect(values.of(map)).toEqual(plain(map));
      }),
    );
  });

  it('are sorted once: further keys are put in their places', () => {
    const values = new SortedValues();
    const map = new Map<string, object>(Array.from({ length: 1_000 }, (_, n) => [`k-${n}`, { n }]));
    const first = values.of(map);
    const sorts = vi.spyOn(Array.prototype, 'sort');
    const sizes = () => sorts.mock.contexts.map(array => (array as unknown[]).length);
    map.set('k-7', { n: 8 });
    const again = values.of(map);
    const sortedForValue = sizes();
    map.delete('k-500');
    map.set('k-5000', {});
    map.set('a', {});
    const next = values.of(map);
    const sortedForKeys = sizes();
    sorts.mockRestore();
    expect(sortedForValue, 'another value is no other key').toEqual([]);
    expect(sortedForKeys).toEqual([2]);
    expect(again).toContain(map.get('k-7'));
    expect(next).toEqual(plain(map));
    expect(first).toHaveLength(1_000);
  });
});
