import { type CompressedForm } from '../compression/compressed-form.js';
import { type SharedBody } from '../sending/shared-body.js';

/** Size of an entry without its bytes. */
const ENTRY_OVERHEAD = 512;

/** A body that is kept, with its compressed form once a client has asked for it. */
export interface KeptBody {
  /** Above 16 KiB as bytes, which may share pieces with other bodies. */
  readonly body: string | SharedBody;
  readonly compressed?: CompressedForm | undefined;
}

/**
 * Bodies by their key, as many as a bound allows; the least recently used ones are dropped first. Pieces that several bodies
 * share count once: a hundred versions of a large list that differ in few pieces take little more than one.
 */
export class KeptBodies<Kept extends KeptBody> {
  /** The least recently used first. */
  private readonly entries = new Map<string, { readonly kept: Kept; compressedBytes: number }>();
  /** By the memory that a piece lies in: how many bodies refer to it. */
  private readonly holders = new Map<ArrayBufferLike, number>();
  private bytes = 0;

  /** @param maxBytes how many distinct bytes may be kept */
  constructor(readonly maxBytes: number) {}

  /** The number of bodies. */
  get size(): number {
    return this.entries.size;
  }

  /** The distinct bytes of all bodies and of their compressed forms. */
  get byteLength(): number {
    return this.bytes;
  }

  get(key: string): Kept | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.kept;
  }

  /** Keeps a body. One that is larger than the bound is not kept, and nothing is dropped for it. */
  set(key: string, kept: Kept): void {
    this.delete(key);
    if (sizeOf(key, kept) > this.maxBytes) return;
    this.entries.set(key, { kept, compressedBytes: 0 });
    this.bytes += ownSizeOf(key, kept);
    for (const buffer of memoryOf(kept)) this.hold(buffer);
    this.resize(key, kept);
  }

  /** Counts the bytes of the compressed form of a body, which has been made. */
  resize(key: string, kept: Kept): void {
    const entry = this.entries.get(key);
    if (entry?.kept !== kept) return;
    const compressedBytes = kept.compressed?.byteLength ?? 0;
    this.bytes += compressedBytes - entry.compressedBytes;
    entry.compressedBytes = compressedBytes;
    for (const oldest of this.entries.keys()) {
      if (this.bytes <= this.maxBytes) return;
      this.delete(oldest);
    }
  }

  private delete(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.bytes -= ownSizeOf(key, entry.kept) + entry.compressedBytes;
    for (const buffer of memoryOf(entry.kept)) this.release(buffer);
  }

  private hold(buffer: ArrayBufferLike): void {
    const others = this.holders.get(buffer) ?? 0;
    if (others === 0) this.bytes += buffer.byteLength;
    this.holders.set(buffer, others + 1);
  }

  private release(buffer: ArrayBufferLike): void {
    const others = this.holders.get(buffer)! - 1;
    if (others > 0) {
      this.holders.set(buffer, others);
      return;
    }
    this.holders.delete(buffer);
    this.bytes -= buffer.byteLength;
  }
}

/** What a body takes that it does not share: its text, if it is one, and its entry. */
const ownSizeOf = (key: string, { body }: KeptBody): number =>
  ENTRY_OVERHEAD + key.length + (typeof body === 'string' ? body.length : 0);

const sizeOf = (key: string, kept: KeptBody): number =>
  [...memoryOf(kept)].reduce((sum, { byteLength }) => sum + byteLength, ownSizeOf(key, kept));

const memoryOf = ({ body }: KeptBody): ReadonlySet<ArrayBufferLike> =>
  new Set(typeof body === 'string' ? [] : body.pieces.map(({ buffer }) => buffer));
