/**
 * Sizes (bytes) of values in V8's heap, 64 bits without compressed pointers: the header of an object, a pointer, the header of
 * a text, a number that is no small integer.
 */
const OBJECT = 24;
const POINTER = 8;
const TEXT = 16;
const NUMBER = 16;

/** V8 keeps a description of each kind of object; texts that name members are shared by all objects. */
const MEMBER = POINTER + 8;

/** Characters beyond Latin-1 make V8 store the whole text with two bytes for each character. */
const WIDE = /[\u0100-\uffff]/;

/** The estimated size (bytes) in the heap of a value that has the form of JSON, as the parser makes it. */
export function heapSizeOf(value: unknown): number {
  if (typeof value === 'string') return aligned(TEXT + value.length * (WIDE.test(value) ? 2 : 1));
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? 0 : NUMBER;
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + POINTER + heapSizeOf(item), OBJECT + TEXT);
  return Object.values(value).reduce<number>((sum, member) => sum + MEMBER + heapSizeOf(member), OBJECT);
}

const aligned = (bytes: number): number => Math.ceil(bytes / POINTER) * POINTER;
