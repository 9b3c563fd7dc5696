import { finished, type Readable } from 'node:stream';
import { PacedStream, SLICE_BYTES } from './paced-stream.js';

/**
 * Another stream in slices: an export, what a compressor returns, or a part of a file. Of a stream of objects, each object is a
 * slice. It ends, fails and is destroyed with the other stream.
 */
export class PacedSource extends PacedStream {
  private hasEnded = false;

  constructor(private readonly source: Readable) {
    super();
    // It may fail before the response begins and listens: Fastify learns of that error then.
    this.on('error', () => {});
    source.on('readable', this.onReadable);
    finished(source, { writable: false }, error => {
      if (error) {
        this.destroy(error);
        return;
      }
      this.hasEnded = true;
      this.ask();
    });
  }

  protected override get hasSlice(): boolean {
    return this.hasEnded || this.source.readableLength > 0;
  }

  protected override pushSlice(): void {
    const { source } = this;
    this.push(source.read(source.readableObjectMode ? undefined : Math.min(source.readableLength, SLICE_BYTES)));
    this.onReadable();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.source.destroy();
    done(error);
  }

  /** A source of which everything was read ends when it is read once more. */
  private readonly onReadable = (): void => {
    if (this.source.readableLength > 0) this.ask();
    else this.source.read(0);
  };
}
