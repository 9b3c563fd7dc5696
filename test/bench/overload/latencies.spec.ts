import { describe, expect, it } from 'vitest';
import { countOf, countsOf, laneResult, type Sample, sumOf } from './latencies.js';

const answered = (sentAt: number, endedAt: number, answer = '204'): Sample => ({ sentAt, endedAt, answer });
const waiting = (sentAt: number): Sample => ({ sentAt });

const WINDOW = { from: 1_000, to: 2_000, now: 6_000 };

describe('what became of requests within a window', () => {
  it('counts those without an answer at their age, so that a node that answers few does not seem fast', () => {
    const fast = Array.from({ length: 50 }, (_, n) => answered(1_000 + n, 1_001 + n));
    const stuck = Array.from({ length: 50 }, (_, n) => waiting(1_500 + n));
    const { count, p50, p99, max } = laneResult([...fast, ...stuck], WINDOW);
    expect({ count, p50, p99, max }).toEqual({ count: 100, p50: 4_451, p99: 4_500, max: 4_500 });
  });

  it('sees nothing but waiting where nobody was answered', () => {
    const result = laneResult([waiting(1_200), waiting(1_400)], WINDOW);
    expect(result).toMatchObject({ count: 2, waiting: 2, p50: 4_800, max: 4_800, answers: { none: 2 } });
  });

  it('counts an answer that came after the window with all of its time, and as waiting at its end', () => {
    const result = laneResult([answered(1_900, 5_900), answered(1_100, 1_110)], WINDOW);
    expect(result).toMatchObject({ count: 2, waiting: 1, max: 4_000, answers: { 204: 2 } });
  });

  it('leaves out what was sent before or after it', () => {
    const others = [answered(999, 1_500), answered(2_000, 2_001), waiting(999), waiting(2_000)];
    expect(laneResult([...others, answered(1_000, 1_007)], WINDOW)).toMatchObject({ count: 1, waiting: 0, max: 7 });
  });

  it('has no times where nothing was sent, which no limit is met by', () => {
    const { count, p99 } = laneResult([], WINDOW);
    expect(count).toBe(0);
    expect(p99).toBeNaN();
  });

  it('tells answers by their text', () => {
    const samples = [answered(1_000, 1_001), answered(1_001, 1_002, '503 OVERLOADED'), answered(1_002, 1_003)];
    expect(laneResult(samples, WINDOW).answers).toEqual({ 204: 2, '503 OVERLOADED': 1 });
  });
});

describe('counts', () => {
  it('are added by text, and found by a test of the text', () => {
    const sum = sumOf([countsOf(['a', 'b', 'a']), countsOf(['b']), {}]);
    expect(sum).toEqual({ a: 2, b: 2 });
    expect(countOf(sum, answer => answer === 'b')).toBe(2);
    expect(countOf(sum, answer => answer === 'c')).toBe(0);
  });
});
