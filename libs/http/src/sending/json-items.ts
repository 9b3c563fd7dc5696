import { joinedIfSmall, SharedBody, sharedIfLarge } from './shared-body.js';

/** Items are encoded when there are so many bytes of them. */
const PIECE_BYTES = 64 * 1024;

/**
 * Items of an array, as JSON, which become bytes in pieces while they are added. So the text of a long page neither stays in the
 * heap until its end, nor is put together and encoded in one go.
 */
export class JsonItems {
  private readonly pieces: Buffer[] = [];
  private texts: string[] = [];
  private waitingBytes = 0;
  private count = 0;
  private bytes = 0;

  /** The number of items. */
  get size(): number {
    return this.count;
  }

  /** The bytes of all items, with the commas between them. */
  get byteLength(): number {
    return this.bytes;
  }

  /**
   * Adds an item.
   * @param item JSON
   * @param bytes how many bytes it has in UTF-8
   */
  add(item: string, bytes = Buffer.byteLength(item)): void {
    const text = this.count === 0 ? item : `,${item}`;
    this.count += 1;
    this.texts.push(text);
    const added = bytes + text.length - item.length;
    this.bytes += added;
    this.waitingBytes += added;
    if (this.waitingBytes >= PIECE_BYTES) this.encode();
  }

  /** The whole text: `begin`, the items with commas between them, `end`. Its pieces are taken: nothing may be added afterwards. */
  body(begin: string, end: string): string | SharedBody {
    if (this.pieces.length === 0) {
      return sharedIfLarge(begin + this.texts.join('') + end);
    }
    this.encode();
    return joinedIfSmall([SharedBody.bytesOf(begin), ...this.pieces, SharedBody.bytesOf(end)]);
  }

  private encode(): void {
    if (this.texts.length === 0) return;
    const piece = Buffer.allocUnsafeSlow(this.waitingBytes);
    let end = 0;
    for (const text of this.texts) end += piece.write(text, end);
    this.pieces.push(piece);
    this.texts = [];
    this.waitingBytes = 0;
  }
}
