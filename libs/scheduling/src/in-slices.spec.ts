import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { type Clock } from '@coordination/kernel';
import { describe, expect, it } from 'vitest';
import { inSlices } from './in-slices.js';
import { Scheduler, SLICE_MS } from './scheduler.js';

const OWNER = { workClass: 'write' } as const;

/** A scheduler with a clock that only work moves. */
function workshop() {
  const clock: Clock & { ms: number } = { ms: 1_000, now: () => new Date(0), monotonicMs: () => clock.ms };
  const scheduler = new Scheduler(clock);
  let done = 0;
  function* steps(count: number, ms: number): Generator<void, string, void> {
    for (let n = 0; n < count; n++) {
      clock.ms += ms;
      done += 1;
      yield;
    }
    return 'result';
  }
  const work = (count: number, ms: number) => inSlices(scheduler, OWNER, steps(count, ms));
  return { clock, scheduler, work, done: () => done };
}

describe('Steps in slices', () => {
  it('that fit into one slice are done at once, without the scheduler', async () => {
    const { scheduler, work, done } = workshop();
    const result = work(3, 1);
    expect(done()).toBe(3);
    expect(scheduler.size).toBe(0);
    expect(await result).toBe('result');
    expect(scheduler.use('write').pieces).toBe(0);
  });

  it('let the event loop turn after each slice', async () => {
    const { scheduler, work, done } = workshop();
    const result = work(40, SLICE_MS / 2);
    const seen: number[] = [];
    while (done() < 40) {
      seen.push(done());
      await nextTurnOfLoop();
    }
    expect(await result).toBe('result');
    const most = Math.max(...seen.map((count, n) => count - (seen[n - 1] ?? 0)));
    expect(most, 'steps in one turn').toBeLessThanOrEqual(2);
    expect(scheduler.use('write').pieces).toBeGreaterThanOrEqual(40 / 2 - 2);
  });

  it('that fail reject, and give the rest of their slice back', async () => {
    const { scheduler, clock } = workshop();
    function* failing(): Generator<void, never, void> {
      for (let n = 0; n < 4; n++) {
        clock.ms += SLICE_MS;
        yield;
      }
      throw new Error('a defect');
    }
    await expect(inSlices(scheduler, OWNER, failing())).rejects.toThrow('a defect');
    let ran = false;
    scheduler.schedule(
      {
        step() {
          ran = true;
          return false;
        },
      },
      OWNER,
    );
    while (scheduler.size > 0) await nextTurnOfLoop();
    expect(ran).toBe(true);
  });
});
