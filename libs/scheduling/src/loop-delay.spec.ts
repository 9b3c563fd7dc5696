import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Clock, systemClock } from '@coordination/kernel';
import { waitFor } from '../../../test/support/time/wait-for.js';
import { LoopDelay } from './loop-delay.js';

const MINUTE_MS = 60_000;

/** Keeps the event loop busy for some time. */
function occupy(ms: number): void {
  const endsAtMs = performance.now() + ms;
  while (performance.now() < endsAtMs);
}

describe('the delay of the loop, by a clock of the test', () => {
  const clock: Clock & { ms: number } = { ms: 0, now: () => new Date(0), monotonicMs: () => clock.ms };
  let loop: LoopDelay;

  /** The loop runs as it should for some time. */
  const run = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 20) {
      clock.ms += 20;
      vi.advanceTimersByTime(20);
    }
  };
  /** The loop runs nothing for some time, and then what is due. */
  const stall = (ms: number) => {
    clock.ms += ms;
    vi.advanceTimersByTime(20);
  };

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    clock.ms = 5_000;
    loop = new LoopDelay(clock);
    loop.onModuleInit();
  });
  afterEach(() => {
    loop.onApplicationShutdown();
    vi.useRealTimers();
  });

  it('is none while the loop runs', () => {
    run(10_000);
    expect(loop.stalledMsSince(0)).toBe(0);
    clock.ms += 119;
    expect(loop.stalledMsSince(0), 'a little late is no stall').toBe(0);
  });

  it('contains a stall that no timer has recorded yet, as long as it lasts', () => {
    const since = clock.ms;
    run(1_000);
    clock.ms += 20_000;
    expect(loop.stalledMsSince(since)).toBe(20_000);
    // Work that asks in the middle of a long turn of the loop must not make the rest of it look short.
    for (let n = 0; n < 100; n++) {
      clock.ms += 50;
      expect(loop.stalledMsSince(since)).toBe(20_000 + 50 * (n + 1));
    }
    vi.advanceTimersByTime(20);
    run(1_000);
    expect(loop.stalledMsSince(since)).toBe(25_000);
    expect(loop.stallCount).toBe(1);
    expect(loop.stalledMs).toBe(25_000);
  });

  it('is the sum of the stalls since a time, and of a part of the one at that time', () => {
    const times = [];
    for (const ms of [200, 3_000, 500]) {
      stall(ms);
      times.push(clock.ms);
      run(1_000);
    }
    const [first, second, third] = times as [number, number, number];
    expect(loop.stalledMsSince(0)).toBe(3_700);
    expect(loop.stalledMsSince(first)).toBe(3_500);
    expect(loop.stalledMsSince(second - 1_000)).toBe(1_500);
    expect(loop.stalledMsSince(second)).toBe(500);
    expect(loop.stalledMsSince(third)).toBe(0);
    expect(loop.stalledMsSince(clock.ms + 1_000), 'a time that is still to come').toBe(0);
  });

  it('never is more than the time that has passed', () => {
    stall(1_000);
    clock.ms += 2_000;
    for (const ago of [1, 10, 500, 2_500]) expect(loop.stalledMsSince(clock.ms - ago)).toBeLessThanOrEqual(ago);
  });

  it('is forgotten after some minutes, and takes a bounded amount of memory', () => {
    for (let n = 0; n < 20_000; n++) stall(150);
    const kept = loop.stalledMsSince(0);
    expect(kept).toBeGreaterThanOrEqual(15 * MINUTE_MS - 150);
    expect(kept).toBeLessThanOrEqual(15 * MINUTE_MS + 150);
    expect(loop.stallCount).toBe(20_000);
    expect(loop.stalledMs).toBe(3_000_000);
  });

  it('is known by percentiles since they were last taken', () => {
    expect(loop.takeDelays()).toEqual({ p50: 0, p99: 0, longest: 0 });
    run(20 * 97);
    for (let n = 0; n < 3; n++) stall(520);
    const delays = loop.takeDelays();
    expect(delays.p50).toBeLessThan(0.1);
    expect(delays.p99 / 500).toBeCloseTo(1, 1);
    expect(delays.longest / 500).toBeCloseTo(1, 1);
    stall(220);
    expect(loop.takeDelays().p50 / 200, 'a delay that began when they were taken is not lost').toBeCloseTo(1, 1);
  });

  it('is none of the start of the process, and none after the end', () => {
    const late = new LoopDelay(clock);
    clock.ms += 3_000;
    late.onModuleInit();
    expect(late.stalledMsSince(0)).toBe(0);
    late.onApplicationShutdown();
    clock.ms += 3_000;
    expect(late.stalledMsSince(0)).toBe(0);
  });
});

describe('the delay of the loop of this process', () => {
  it('is seen by timers that run before its own', async () => {
    const loop = new LoopDelay();
    loop.onModuleInit();
    await delay(50);
    const since = systemClock.monotonicMs();
    const seen = delay(1).then(() => loop.stalledMsSince(since));
    occupy(400);
    // At least: other processes may hold up this one.
    expect(await seen).toBeGreaterThanOrEqual(390);
    await waitFor('the timer to record it', () => loop.stallCount > 0);
    expect(loop.stalledMsSince(since)).toBeGreaterThanOrEqual(390);
    loop.onApplicationShutdown();
  });
});
