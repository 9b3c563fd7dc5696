/** The service makes each interval of probes up to this share longer, at random. */
const JITTER = 0.05;

/** A stretch of time (ms of one clock), and the interval of the probes. */
export interface Interval {
  readonly from: number;
  readonly to: number;
  readonly intervalMs: number;
}

/**
 * How much later (ms) than their interval the probes of one instance came within a stretch of time. A probe that is overdue at its
 * end counts with its age, so that an instance that is no longer probed is seen.
 * @param times when it was probed, ascending; the last one before the stretch included
 */
export function latenessOf(times: readonly number[], { from, to, intervalMs }: Interval): number[] {
  const longest = intervalMs * (1 + JITTER);
  const late: number[] = [];
  let before = from;
  for (const time of times) {
    if (time > from) late.push(Math.max(0, time - before - longest));
    before = time;
  }
  const overdue = to - before - longest;
  return overdue > 0 ? [...late, overdue] : late;
}
