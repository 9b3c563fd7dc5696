import { type ProbedRecord } from '../probed-record.js';

const MS = 1_000;

/** An instance of unknown health is first probed within so many milliseconds. */
const UNKNOWN_WITHIN_MS = 1_000;

/** The same for an instance that this node takes over: spread out, but soon, because the node before may have died. */
const TAKEN_OVER_WITHIN_MS = 10_000;

/** The share of the interval by which it is randomly longer or shorter. */
const JITTER = 0.05;

/** After a probe for which this node lacked something, the next one follows within so many milliseconds. */
const RETRY_MS = 5_000;

/** Returns a number from 0 to 1, as `Math.random` does. */
export type Random = () => number;

const intervalMs = ({ check }: ProbedRecord): number => check.intervalSeconds * MS;

/** The time (ms) until the first probe by this node. */
export function firstDelayMs(record: ProbedRecord, random: Random): number {
  const within = record.health.state === 'unknown' ? UNKNOWN_WITHIN_MS : TAKEN_OVER_WITHIN_MS;
  return random() * Math.min(within, intervalMs(record));
}

/** The time (ms) until the next probe after one that did not count. It is spread, because what was missing concerns many. */
export const retryDelayMs = (record: ProbedRecord, random: Random): number =>
  Math.min(RETRY_MS, intervalMs(record)) * (0.5 + 0.5 * random());

/** When the next probe is due, and how many were skipped because this one was late. */
export interface NextProbe {
  readonly dueMs: number;
  readonly skipped: number;
}

/**
 * The probe after one that was due at a time and has just ended. The second one is at a random time within the interval, so
 * that instances that were registered together are not always probed together.
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
  // Skipped probes are not made up for.
  return { dueMs: Math.max(dueMs, nowMs), skipped: Math.max(0, Math.floor((nowMs - dueMs) / interval)) };
}
