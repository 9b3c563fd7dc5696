import { type CatalogView } from '@coordination/catalog';
import { LRUCache } from 'lru-cache';

/** A value, and the revision and the generation of the view that it was made from. */
interface Entry<Value> {
  readonly value: Value;
  readonly revision: number;
  readonly generation: number;
}

/** The bound of a cache. */
export interface CacheBound<Value> {
  /** The most that all values may weigh together. */
  readonly maxSize: number;
  readonly sizeOf: (value: Value, key: string) => number;
}

/**
 * Values that were made from the view, each kept until the revision of its service or namespace changes, or until the view
 * is loaded again.
 */
export class RevisionCache<Value extends object> {
  private readonly entries: LRUCache<string, Entry<Value>>;

  constructor(
    private readonly view: CatalogView,
    { maxSize, sizeOf }: CacheBound<Value>,
  ) {
    this.entries = new LRUCache({ maxSize, sizeCalculation: ({ value }, key) => sizeOf(value, key) });
  }

  /** The value that was made at a revision; undefined when there is none. */
  get(key: string, revision: number): Value | undefined {
    const entry = this.entries.get(key);
    return entry?.revision === revision && entry.generation === this.view.generation ? entry.value : undefined;
  }

  /** The newest value, whatever its revision. */
  newest(key: string): Value | undefined {
    return this.entries.peek(key)?.value;
  }

  /** @param generation that of the view from which the value was made */
  set(key: string, revision: number, value: Value, generation = this.view.generation): void {
    this.entries.set(key, { value, revision, generation });
  }

  /** Computes the size of a value again, which has grown. */
  resize(key: string, value: Value): void {
    const entry = this.entries.peek(key);
    // The LRU cache computes the size only of an entry that is another object.
    if (entry?.value === value) this.entries.set(key, { ...entry });
  }
}
