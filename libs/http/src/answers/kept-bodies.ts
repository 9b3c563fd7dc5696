import { type CompressedForm } from '../compression/compressed-form.js';
import { DistinctBytes, memoryOf } from '../sending/distinct-bytes.js';
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
  /** What bodies may share. */
  private readonly pieces = new DistinctBytes();
  /** What bodies do not share: texts, compressed forms, and entries. */
  private ownBytes = 0;

  /** @param maxBytes how many distinct bytes may be kept */
  constructor(readonly maxBytes: number) {}

  /** The number of bodies. */
  get size(): number {
    return this.entries.size;
  }

  /** The distinct bytes of all bodies and of their compressed forms. */
  get byteLength(): number {
    return this.pieces.byteLength + this.ownBytes;
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
    const memory = piecesOf(kept);
    const ownBytes = ownSizeOf(key, kept);
    if (ownBytes + sizeOf(memory) > this.maxBytes) return;
    this.entries.set(key, { kept, compressedBytes: 0 });
    this.ownBytes += ownBytes;
    this.pieces.add(memory);
    this.resize(key, kept);
  }

  /** Counts the bytes of the compressed form of a body, which has been made. */
  resize(key: string, kept: Kept): void {
    const entry = this.entries.get(key);
    if (entry?.kept !== kept) return;
    const compressedBytes = kept.compressed?.byteLength ?? 0;
    this.ownBytes += compressedBytes - entry.compressedBytes;
    entry.compressedBytes = compressedBytes;
    for (const oldest of this.entries.keys()) {
      if (this.byteLength <= this.maxBytes) return;
      this.delete(oldest);
    }
  }

  private delete(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.ownBytes -= ownSizeOf(key, entry.kept) + entry.compressedBytes;
    this.pieces.remove(piecesOf(entry.kept));
  }
}

/** What a body takes that it does not share: its text, if it is one, and its entry. */
const ownSizeOf = (key: string, { body }: KeptBody): number =>
  ENTRY_OVERHEAD + key.length + (typeof body === 'string' ? body.length : 0);

const sizeOf = (memory: ReadonlySet<ArrayBufferLike>): number =>
  [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);

const piecesOf = ({ body }: KeptBody): ReadonlySet<ArrayBufferLike> =>
  typeof body === 'string' ? new Set() : memoryOf(body);
