import { JsonItems } from './json-items.js';
import { type SharedBody } from './shared-body.js';

/**
 * The most bytes of JSON that a page has, unless a single item is larger. So neither a page of large items nor the rows it is
 * made of can fill the memory, and a client gets the first part of a long list soon.
 */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024;

/**
 * The items of one page as JSON. Each item is encoded by itself, so that other work can run between two of them, and the page
 * ends before the item by which it would become too large. It takes one item of any size.
 */
export class PageText {
  private readonly items = new JsonItems();

  constructor(private readonly maxBytes = MAX_PAGE_BYTES) {}

  /** The number of items. */
  get size(): number {
    return this.items.size;
  }

  /** The bytes of all items, with the commas between them. */
  get byteLength(): number {
    return this.items.byteLength;
  }

  /**
   * Adds an item.
   * @param item JSON
   * @returns false if the page has no room for it: then the page must end before it, and continue with it on the next page
   */
  add(item: string): boolean {
    const bytes = Buffer.byteLength(item);
    // With the comma before it.
    if (this.size > 0 && this.items.byteLength + 1 + bytes > this.maxBytes) return false;
    this.items.add(item, bytes);
    return true;
  }

  /** The whole text: `begin`, the items with commas between them, `end`. Nothing may be added afterwards. */
  body(begin: string, end: string): string | SharedBody {
    return this.items.body(begin, end);
  }
}
