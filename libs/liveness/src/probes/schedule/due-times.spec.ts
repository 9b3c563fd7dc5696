import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueTimes } from './due-times.js';

const SLOT = 50;

describe('Due times', () => {
  it('return each thing once, never early, and at most a slot late', () => {
    const someDues = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 50 });
    const someSteps = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(someDues, someSteps, (dues, steps) => {
        const times = new DueTimes<number>(SLOT, 0);
        dues.forEach((dueMs, n) => times.add(n, dueMs));
        const taken: number[] = [];
        let now = 0;
        for (const step of [...steps, 10_000]) {
          now += step;
          const due = times.take(now);
          for (const n of due) expect(dues[n], 'it came early').toBeLessThanOrEqual(now);
          taken.push(...due);
          const left = dues.filter((dueMs, n) => !taken.includes(n) && dueMs <= now - 2 * SLOT);
          expect(left, 'something that is due was left').toEqual([]);
        }
        expect(taken.toSorted((a, b) => a - b)).toEqual(dues.map((_, n) => n));
      }),
    );
  });

  it('do not return what was removed', () => {
    const times = new DueTimes<string>(SLOT, 0);
    const remove = [times.add('a', 100), times.add('b', 100)];
    remove[0]!();
    expect(times.take(200)).toEqual(['b']);
    times.add('c', 100);
    remove[1]!();
    expect(times.take(300)).toEqual(['c']);
  });

  it('return the earlier first, also after a long pause', () => {
    const times = new DueTimes<string>(SLOT, 0);
    times.add('late', 9_000);
    times.add('early', 100);
    times.add('never', 10_000_000);
    expect(times.take(1_000_000)).toEqual(['early', 'late']);
  });
});
