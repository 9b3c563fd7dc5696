/**
 * A number from 0 to 2^32 - 1 that looks random and always is the same for the same arguments (the finalizer of
 * MurmurHash3). @param salt tells apart what is drawn for the same n
 */
export function mix(n: number, salt: number): number {
  let h = Math.imul(n ^ (n >>> 16), 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** One of some values, always the same for the same n and salt. */
export const pick = <T>(values: readonly T[], n: number, salt: number): T => values[mix(n, salt) % values.length]!;
