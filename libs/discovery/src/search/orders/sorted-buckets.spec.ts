import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedBuckets, type SortedWalk } from './sorted-buckets.js';

interface Item {
  readonly key: number;
  readonly value: number;
}

const byKey = (a: Item, b: Item) => a.key - b.key;

function rest<T>(walk: SortedWalk<T>): T[] {
  const items: T[] = [];
  for (let item = walk.next(); item !== undefined; item = walk.next()) items.push(item);
  return items;
}

const everything = (buckets: SortedBuckets<Item>) => rest(buckets.ascending(() => false));

const someChanges = fc.array(fc.record({ isPut: fc.boolean(), key: fc.nat(30), value: fc.nat() }), { maxLength: 120 });

/** Small buckets, so that few items fill, split and empty several. */
const CAPACITIES = [1, 2, 3, 7, 256];

describe('sorted buckets', () => {
  it.each(CAPACITIES)('of %d items have what a sorted array would have after any changes', capacity => {
    fc.assert(
      fc.property(someChanges, fc.integer({ min: -1, max: 31 }), (changes, from) => {
        const buckets = new SortedBuckets<Item>(byKey, capacity);
        const model = new Map<number, Item>();
        for (const { isPut, key, value } of changes) {
          if (isPut) {
            buckets.put({ key, value });
            model.set(key, { key, value });
          } else {
            buckets.delete({ key, value });
            model.delete(key);
          }
        }
        const sorted = [...model.values()].sort(byKey);
        expect(buckets.size).toBe(sorted.length);
        expect(everything(buckets)).toEqual(sorted);
        expect(rest(buckets.descending(() => true))).toEqual(sorted.toReversed());
        expect(rest(buckets.ascending(({ key }) => key < from))).toEqual(sorted.filter(({ key }) => key >= from));
        const upTo = sorted.filter(({ key }) => key <= from).reverse();
        expect(rest(buckets.descending(({ key }) => key <= from))).toEqual(upTo);
      }),
    );
  });

  it('show a walk the items of the moment in which it began', () => {
    fc.assert(
      fc.property(someChanges, someChanges, fc.nat(20), fc.boolean(), (before, during, taken, isAscending) => {
        const buckets = new SortedBuckets<Item>(byKey, 3);
        const change = ({ isPut, key, value }: (typeof before)[number]) =>
          isPut ? buckets.put({ key, value }) : buckets.delete({ key, value });
        before.forEach(change);
        const expected = isAscending ? everything(buckets) : everything(buckets).reverse();
        const walk = isAscending ? buckets.ascending(() => false) : buckets.descending(() => true);
        const seen = Array.from({ length: taken }, () => walk.next()).filter(item => item !== undefined);
        during.forEach(change);
        expect([...seen, ...rest(walk)]).toEqual(expected);
      }),
    );
  });

  it('are empty at first', () => {
    const none = new SortedBuckets<Item>(byKey);
    none.delete({ key: 1, value: 1 });
    expect(everything(none)).toEqual([]);
    expect(rest(none.descending(() => true))).toEqual([]);
  });
});
