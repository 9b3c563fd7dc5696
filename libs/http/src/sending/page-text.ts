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
  private readonly items: string[] = [];
  private bytes = 0;

  constructor(private readonly maxBytes = MAX_PAGE_BYTES) {}

  /** The number of items. */
  get size(): number {
    return this.items.length;
  }

  /**
   * Adds an item.
   * @param item JSON
   * @returns false if the page has no room for it: then the page must end before it, and continue with it on the next page
   */
  add(item: string): boolean {
    // With the comma before the next item.
    const bytes = Buffer.byteLength(item) + 1;
    if (this.items.length > 0 && this.bytes + bytes > this.maxBytes) return false;
    this.items.push(item);
    this.bytes += bytes;
    return true;
  }

  /** The array of all items, as JSON. */
  toString(): string {
    return `[${this.items.join(',')}]`;
  }
}
