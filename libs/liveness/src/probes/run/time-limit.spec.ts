import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimeLimit } from './time-limit.js';

let stalledMs: number;
let nowMs: number;

beforeEach(() => {
  vi.useFakeTimers();
  [stalledMs, nowMs] = [0, 0];
});
afterEach(() => vi.useRealTimers());

const start = (limitMs: number) =>
  new TimeLimit(limitMs, { monotonicMs: () => nowMs }, { stalledMsSince: () => stalledMs });

/** The timers that are due after so many ms run. */
const pass = (ms: number) => {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
};

describe('The time limit of a probe', () => {
  it('is over after its time', () => {
    const { signal } = start(5_000);
    pass(4_999);
    expect(signal.aborted).toBe(false);
    pass(1);
    vi.advanceTimersByTime(1);
    expect(signal.aborted).toBe(true);
  });

  it('is longer by the time for which the event loop was stalled', () => {
    const limit = start(5_000);
    stalledMs = 700;
    pass(5_000);
    pass(600);
    expect(limit.signal.aborted, 'the stall was taken off the time of the instance').toBe(false);
    pass(101);
    vi.advanceTimersByTime(1);
    expect([limit.signal.aborted, limit.isVoid]).toEqual([true, false]);
  });

  it('is void after a long stall, and then not waited for any longer', () => {
    const limit = start(5_000);
    stalledMs = 20_000;
    pass(25_000);
    vi.advanceTimersByTime(1);
    expect([limit.signal.aborted, limit.isVoid]).toEqual([true, true]);
  });

  it.each([
    [1_000, 999, false],
    [1_000, 1_000, true],
    [60_000, 29_000, false],
    [60_000, 30_000, true],
  ])('of %d ms after a stall of %d ms is void: %s', (limitMs, stall, isVoid) => {
    const limit = start(limitMs);
    stalledMs = stall;
    expect(limit.isVoid).toBe(isVoid);
    limit.clear();
  });

  it('never ends after it was cleared', () => {
    const limit = start(1_000);
    limit.clear();
    pass(10_000);
    expect(limit.signal.aborted).toBe(false);
  });
});
