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
    const { pieces } = this.body;
    const bytes = pieces[this.piece];
    if (bytes) {
      const slice = bytes.subarray(this.offset, this.offset + SLICE_BYTES);
      this.offset += SLICE_BYTES;
      if (this.offset >= bytes.byteLength) [this.piece, this.offset] = [this.piece + 1, 0];
      this.push(slice);
    }
    // With the last slice, because the end would need a further step.
    if (this.piece >= pieces.length) this.push(null);
  }
}
