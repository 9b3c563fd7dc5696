import { lowerBound } from './lower-bound.js';

/**
 * The values of maps in the order of the code units of their keys. Most changes of a map keep its keys, and the others add or
 * remove a few: only those are put in their places, because sorting all of them costs more than everything else.
 */
export class SortedValues {
  private readonly keys = new WeakMap<ReadonlyMap<string, unknown>, readonly string[]>();

  /** The values of a map now. */
  of<Value extends object>(map: ReadonlyMap<string, Value>): readonly Value[] {
    const keys = this.keys.get(map) ?? [];
    const values: Value[] = [];
    for (const key of keys) {
      const value = map.get(key);
      if (value !== undefined) values.push(value);
    }
    if (values.length === map.size && values.length === keys.length) return values;
    const sorted = updated(keys, map);
    this.keys.set(map, sorted);
    return sorted.map(key => map.get(key)!);
  }
}

const sortedKeys = (map: ReadonlyMap<string, unknown>): readonly string[] => [...map.keys()].sort();

function updated(known: readonly string[], map: ReadonlyMap<string, unknown>): readonly string[] {
  const kept = known.filter(key => map.has(key));
  // A map iterates over its keys in the order in which they were added.
  const added = [...map.keys()].slice(kept.length).sort();
  return added.some(key => includes(kept, key)) ? sortedKeys(map) : merged(kept, added);
}

function includes(sorted: readonly string[], key: string): boolean {
  return sorted[lowerBound(sorted, item => item < key)] === key;
}

/** Both must be sorted. */
function merged(many: readonly string[], few: readonly string[]): readonly string[] {
  const parts: (readonly string[])[] = [];
  let from = 0;
  for (const key of few) {
    const to = lowerBound(many, item => item < key, from);
    parts.push(many.slice(from, to), [key]);
    from = to;
  }
  return [...parts, many.slice(from)].flat();
}
