import { createPatch, type Operation } from 'rfc6902';
import { sameJson } from './canonical-json.js';
import { isContainer } from './json-values.js';

/** One step of a JSON patch (RFC 6902). */
export type PatchOperation = Operation;

/**
 * Aligning two arrays costs time and memory proportional to the product of their lengths. This is what one patch may spend
 * on it; beyond that, arrays are replaced as a whole.
 */
const MAX_ALIGNED = 4_096;

/** Libraries that apply patches do not follow these keys, so values below them are replaced as a whole. */
const CLOSED_KEYS: ReadonlySet<string> = new Set(['constructor', 'prototype', '__proto__']);

/**
 * A JSON patch (RFC 6902) that turns one JSON value into another; empty if they are equal. Its cost is about proportional to
 * the size of the values: arrays of anything but scalars, and long ones, are replaced and not compared element by element.
 */
export function patchBetween(before: unknown, after: unknown): PatchOperation[] {
  let left = MAX_ALIGNED;
  return createPatch(before, after, (from: unknown, to: unknown, at) => {
    if (!isContainer(from) || !isContainer(to)) return undefined;
    const isClosed = CLOSED_KEYS.has(at.tokens.at(-1) ?? '');
    if (!isClosed && !(Array.isArray(from) && Array.isArray(to))) return undefined;
    if (!isClosed && isFlat(from) && isFlat(to)) {
      const cost = (from.length + 1) * (to.length + 1);
      left -= cost;
      if (left >= 0) return undefined;
    }
    return sameJson(from, to) ? [] : [{ op: 'replace', path: at.toString(), value: to }];
  });
}

const isFlat = (value: object): value is readonly unknown[] => Array.isArray(value) && !value.some(isContainer);
