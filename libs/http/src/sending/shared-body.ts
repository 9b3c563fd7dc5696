/** Longer texts (bytes) are sent as bytes that are made once: encoding a text for each socket costs more, and copies it. */
export const SHARED_FROM_BYTES = 16 * 1024;

/** Larger bodies (bytes) are sent in slices, and compressed as they are sent. */
export const WHOLE_UP_TO_BYTES = 128 * 1024;

/**
 * The bytes of a response, in order. They are made once for all callers who are sent them, and never change: sockets refer to
 * them and copy nothing. A response that replaces another may share pieces with it.
 */
export class SharedBody {
  readonly byteLength: number;

  /** @param pieces none of them may change any more */
  constructor(readonly pieces: readonly Buffer[]) {
    this.byteLength = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** A body of one piece. */
  static of(whole: string | Buffer): SharedBody {
    return new SharedBody([typeof whole === 'string' ? SharedBody.bytesOf(whole) : whole]);
  }

  /** The bytes of a text, in memory of their own: short ones would otherwise keep the pool that they share with others. */
  static bytesOf(text: string): Buffer {
    const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
    bytes.write(text);
    return bytes;
  }

  /** The text; for tests and small bodies, since it is a copy. */
  toString(): string {
    return Buffer.concat(this.pieces).toString();
  }
}

/** A body in pieces, if it is large enough to be worth it; else its text, or its bytes in one piece. */
export function joinedIfSmall(pieces: readonly Buffer[]): string | SharedBody {
  const body = new SharedBody(pieces);
  if (body.byteLength <= SHARED_FROM_BYTES) return body.toString();
  return body.byteLength <= WHOLE_UP_TO_BYTES ? SharedBody.of(Buffer.concat(pieces)) : body;
}

/** The size of a text (characters) or of a body (bytes), for bounds of caches. */
export const lengthOf = (body: string | SharedBody): number =>
  typeof body === 'string' ? body.length : body.byteLength;

/** The text itself if it is short, else its bytes; bytes as they are. */
export const sharedIfLarge = (text: string | SharedBody): string | SharedBody =>
  typeof text !== 'string' || text.length <= SHARED_FROM_BYTES ? text : SharedBody.of(text);
