import { type SharedBody } from './shared-body.js';

/** The memory that the pieces of a body lie in; several pieces may lie in the same memory. */
export const memoryOf = ({ pieces }: SharedBody): Set<ArrayBufferLike> => new Set(pieces.map(({ buffer }) => buffer));

/** Counts the bytes of the memory that several bodies refer to. Memory that bodies share counts once. */
export class DistinctBytes {
  /**
   * How many bodies refer to a memory. Weak, since V8 links the tables that a map has outgrown: what they contain is not freed
   * before a collection of the whole heap.
   */
  private readonly holders = new WeakMap<ArrayBufferLike, number>();
  /** How much memory, and how many pieces of it, bodies refer to. */
  private bytes = 0;
  private count = 0;

  /** The bytes of all memory that is referred to. */
  get byteLength(): number {
    return this.bytes;
  }

  /** Whether no memory is referred to. */
  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** How many bytes a body would add: those of its memory that no other body refers to. */
  addedBy(memory: ReadonlySet<ArrayBufferLike>): number {
    let added = 0;
    for (const buffer of memory) if (!this.holders.has(buffer)) added += buffer.byteLength;
    return added;
  }

  /** Counts the memory of a body until the same memory is removed. */
  add(memory: ReadonlySet<ArrayBufferLike>): void {
    for (const buffer of memory) {
      const others = this.holders.get(buffer) ?? 0;
      if (others === 0) {
        this.bytes += buffer.byteLength;
        this.count += 1;
      }
      this.holders.set(buffer, others + 1);
    }
  }

  /** Ends the count of the memory of one body, which was added before. */
  remove(memory: ReadonlySet<ArrayBufferLike>): void {
    for (const buffer of memory) {
      const others = this.holders.get(buffer)! - 1;
      if (others > 0) {
        this.holders.set(buffer, others);
      } else {
        this.holders.delete(buffer);
        this.bytes -= buffer.byteLength;
        this.count -= 1;
      }
    }
  }
}
