import { bodyOf } from '../sending/send-body.js';
import { SharedBody } from '../sending/shared-body.js';
import { gzipped, gzippedBody } from './gzip.js';

const NOTHING = new SharedBody([]);

/**
 * The compressed form of a response that is sent many times. It is computed on the first use, once for all concurrent uses,
 * and kept as long as this object.
 */
export class CompressedForm {
  private made: Buffer | undefined;
  private pending: Promise<Buffer> | undefined;

  /** @param onMade called when the compressed form has been computed */
  constructor(
    private readonly whole: string | SharedBody,
    private readonly onMade: () => void = () => {},
  ) {}

  /** The number of bytes that are kept; 0 before the first use. */
  get byteLength(): number {
    return this.made?.byteLength ?? 0;
  }

  /** Whether this is the form of a response; an error that is sent instead has another text. */
  isOf(payload: unknown): boolean {
    const { whole } = this;
    if (typeof whole === 'string') return payload === whole;
    const { pieces } = bodyOf(typeof payload === 'string' ? null : payload) ?? NOTHING;
    return (
      pieces.length === whole.pieces.length && pieces[0] === whole.pieces[0] && pieces.at(-1) === whole.pieces.at(-1)
    );
  }

  /** The bytes; synchronously if they are computed already. */
  bytes(): Buffer | Promise<Buffer> {
    return this.made ?? (this.pending ??= this.make());
  }

  private async make(): Promise<Buffer> {
    try {
      this.made = await (this.whole instanceof SharedBody ? gzippedBody(this.whole) : gzipped(this.whole));
    } finally {
      this.pending = undefined;
    }
    this.onMade();
    return this.made;
  }
}
