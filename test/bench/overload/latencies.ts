import { percentile } from '../harness/statistics.js';
import { type Answers, type LaneResult } from './report.js';

/** One request; times are those of one monotonic clock (ms). */
export interface Sample {
  readonly sentAt: number;
  /** Absent while there is no answer. */
  endedAt?: number;
  /** The status with the code of the problem, or the error of the connection. */
  answer?: string;
}

/** A stretch of time, and when it is looked at. */
export interface Window {
  readonly from: number;
  readonly to: number;
  readonly now: number;
}

/**
 * What became of the requests that were sent within a window. Those without an answer count with their age: a prober that counts
 * answers only sees nothing exactly when nobody is answered.
 */
export function laneResult(samples: readonly Sample[], { from, to, now }: Window): LaneResult {
  const sent = samples.filter(({ sentAt }) => sentAt >= from && sentAt < to);
  const latencies = sent.map(({ sentAt, endedAt = now }) => endedAt - sentAt);
  return {
    count: sent.length,
    waiting: sent.filter(({ endedAt = Infinity }) => endedAt > to).length,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    max: percentile(latencies, 100),
    answers: countsOf(sent.map(({ answer = 'none' }) => answer)),
  };
}

/** How often each text comes. */
export function countsOf(texts: readonly string[]): Answers {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

/** Several counts together. */
export function sumOf(counts: readonly Answers[]): Answers {
  const sum: Record<string, number> = {};
  for (const [answer, count] of counts.flatMap(each => Object.entries(each))) sum[answer] = (sum[answer] ?? 0) + count;
  return sum;
}

/** How many answers there are of those that a test accepts. */
export const countOf = (answers: Answers, isMeant: (answer: string) => boolean): number =>
  Object.entries(answers).reduce((sum, [answer, count]) => sum + (isMeant(answer) ? count : 0), 0);

/** Counts for people. */
export const answersText = (answers: Answers): string =>
  Object.entries(answers)
    .map(([answer, count]) => `${count} × ${answer}`)
    .join('; ');
