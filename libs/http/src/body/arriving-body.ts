/** Chunks below this size (bytes) are copied into blocks: a buffer of its own costs more memory than a small chunk. */
const LEAST_KEPT_BYTES = 1_024;
const BLOCK_BYTES = 4_096;

/**
 * A body may have so many chunks; if it has more, they must have so many bytes on average. Each chunk costs about a microsecond,
 * and all that have arrived are parsed in one turn of the event loop. Clients that write single values have larger chunks.
 */
const FREE_CHUNKS = 4_096;
const LEAST_AVERAGE_BYTES = 16;

/** The bytes of a body that have arrived up to now, in little more memory than they have, however small its chunks are. */
export class ArrivingBody {
  private readonly parts: Buffer[] = [];
  private block = Buffer.alloc(0);
  private filled = 0;
  private chunks = 0;
  private bytes = 0;

  get byteLength(): number {
    return this.bytes;
  }

  /** Whether the chunks are so many and so small that reading them costs far more than the bytes are worth. */
  get isCrumbled(): boolean {
    return this.chunks > FREE_CHUNKS && this.bytes < this.chunks * LEAST_AVERAGE_BYTES;
  }

  add(chunk: Buffer): void {
    this.chunks += 1;
    this.bytes += chunk.length;
    // Nearly all bodies have one chunk, which is not copied.
    if (chunk.length >= LEAST_KEPT_BYTES || this.chunks === 1) {
      this.endBlock();
      this.parts.push(chunk);
      return;
    }
    if (this.filled + chunk.length > this.block.length) {
      this.endBlock();
      this.block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    }
    this.filled += chunk.copy(this.block, this.filled);
  }

  /** All bytes. */
  whole(): Buffer {
    this.endBlock();
    return this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts, this.bytes);
  }

  private endBlock(): void {
    if (this.filled > 0) this.parts.push(this.block.subarray(0, this.filled));
    this.block = this.block.subarray(this.filled);
    this.filled = 0;
  }
}
