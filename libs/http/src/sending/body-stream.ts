import { Readable } from 'node:stream';
import { type SharedBody } from './shared-body.js';

/**
 * How much (bytes) is written to a socket before it must have taken it. A write of many megabytes to a socket that takes them
 * blocks the event loop for milliseconds.
 */
export const SLICE_BYTES = 64 * 1024;

/** A shared body as a stream of slices that refer to its bytes. The next one is written when the socket has taken the last. */
export class BodyStream extends Readable {
  private piece = 0;
  private offset = 0;

  constructor(readonly body: SharedBody) {
    // One slice is prepared at a time.
    super({ highWaterMark: 1 });
  }

  override _read(): void {
    const bytes = this.body.pieces[this.piece];
    if (bytes === undefined) {
      this.push(null);
      return;
    }
    const slice = bytes.subarray(this.offset, this.offset + SLICE_BYTES);
    this.offset += SLICE_BYTES;
    if (this.offset >= bytes.byteLength) [this.piece, this.offset] = [this.piece + 1, 0];
    this.push(slice);
  }
}
