import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Clock } from '@coordination/kernel';
import { Scheduler } from '@coordination/scheduling';
import { PastScan } from './past-scan.js';

function aClock() {
  const clock: Clock & { ms: number } = { ms: 0, now: () => new Date(0), monotonicMs: () => clock.ms };
  return clock;
}

describe('a scan of the past', () => {
  it('ends by its own time, however long it waits for the database and for others', async () => {
    const clock = aClock();
    const scheduler = new Scheduler(clock);
    const scan = new PastScan(scheduler.begin({ workClass: 'heavy' }), { instances: 1_000, milliseconds: 100 });
    const busy = { steps: 50, step: () => ((clock.ms += 4), (busy.steps -= 1) > 0) };
    scheduler.schedule(busy, { workClass: 'heavy', client: 'another' });
    await scan.turn.waitFor(nextTurnOfLoop().then(() => void (clock.ms += 8_000)));
    for (let n = 0; n < 33; n++) {
      await scan.step();
      clock.ms += 3;
    }
    expect(clock.ms, 'the time on the clock').toBeGreaterThan(8_150);
    expect(scan.isSpent, '99 ms of its own').toBe(false);
    await scan.step();
    clock.ms += 3;
    expect(scan.isSpent).toBe(true);
    while (scheduler.size > 0) await nextTurnOfLoop();
  });

  it('ends by the number of instances', async () => {
    const scan = new PastScan(new Scheduler().begin({ workClass: 'heavy' }), { instances: 3, milliseconds: 1e9 });
    for (const isSpent of [false, false, true]) {
      await scan.step();
      expect(scan.isSpent).toBe(isSpent);
    }
  });
});
