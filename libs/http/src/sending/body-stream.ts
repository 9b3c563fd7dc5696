import { PacedStream, SLICE_BYTES } from './paced-stream.js';
import { type SharedBody } from './shared-body.js';

/** A shared body as a stream of slices that refer to its bytes. */
export class BodyStream extends PacedStream {
  private piece = 0;
  private offset = 0;

  constructor(readonly body: SharedBody) {
    super();
  }

  protected override pushSlice(): void {
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
