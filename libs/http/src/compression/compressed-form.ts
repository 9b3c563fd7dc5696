import { gzipped } from './gzip.js';

/**
 * The compressed form of an answer that is sent over and over. It is made when it is first asked for, once for all who ask
 * meanwhile, and kept as long as this object is.
 */
export class CompressedForm {
  private made: Buffer | undefined;
  private pending: Promise<Buffer> | undefined;

  /** @param onMade is told when there is something to keep */
  constructor(
    private readonly whole: string,
    private readonly onMade: () => void = () => {},
  ) {}

  /** How many bytes are kept: none until the form was asked for. */
  get byteLength(): number {
    return this.made?.byteLength ?? 0;
  }

  /** Whether this is the form of an answer; an error that is sent in place of it has another text. */
  isOf(payload: unknown): boolean {
    return payload === this.whole;
  }

  /** The bytes at once where they are there already. */
  bytes(): Buffer | Promise<Buffer> {
    return this.made ?? (this.pending ??= this.make());
  }

  private async make(): Promise<Buffer> {
    try {
      this.made = await gzipped(this.whole);
    } finally {
      this.pending = undefined;
    }
    this.onMade();
    return this.made;
  }
}
