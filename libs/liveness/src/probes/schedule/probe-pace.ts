import { type ProbedRecord } from '../probed-record.js';

const MS = 1_000;

/** Within so many milliseconds an instance of which nothing is known is probed for the first time. */
const UNKNOWN_WITHIN_MS = 1_000;

/** The same for those that this node takes over: spread out, but soon, for its last node may have died. */
const TAKEN_OVER_WITHIN_MS = 10_000;

/** A share of the interval by which it is longer or shorter, at random. */
const JITTER = 0.05;

/** A number from 0 to 1, as `Math.random` gives it. */
export type Random = () => number;

const intervalMs = ({ check }: ProbedRecord): number => check.intervalSeconds * MS;

/** How long (ms) until the first probe by this node. */
export function firstDelayMs(record: ProbedRecord, random: Random): number {
  const within = record.health.state === 'unknown' ? UNKNOWN_WITHIN_MS : TAKEN_OVER_WITHIN_MS;
  return random() * Math.min(within, intervalMs(record));
}

/** When the next probe is due, and how many came to nothing because this one was late. */
export interface NextProbe {
  readonly dueMs: number;
  readonly skipped: number;
}

/**
 * The probe after one that was due at a time and is over now. The second one comes at any time within the interval, so
 * that instances that were registered together are not probed together for ever.
 */
export function nextProbe(
  record: ProbedRecord,
  due: { readonly dueMs: number; readonly isFirst: boolean },
  nowMs: number,
  random: Random,
): NextProbe {
  const interval = intervalMs(record);
  if (due.isFirst) return { dueMs: nowMs + interval * random(), skipped: 0 };
  const dueMs = due.dueMs + interval * (1 - JITTER + 2 * JITTER * random());
  // What was missed is not made up for.
  return { dueMs: Math.max(dueMs, nowMs), skipped: Math.max(0, Math.floor((nowMs - dueMs) / interval)) };
}
