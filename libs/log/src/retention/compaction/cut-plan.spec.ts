import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PartitionExtent, planCuts } from './cut-plan.js';

const time = (day: number) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString();

const extent = (from: number, before: number, day: number | undefined): PartitionExtent => ({
  name: `p${from}`,
  from,
  before,
  isLeaving: false,
  last: day === undefined ? undefined : { revision: before - 1, hash: '', at: time(day) },
});

const named = (plans: ReturnType<typeof planCuts>) => plans.map(({ partitions }) => partitions.map(({ name }) => name));

describe('What is cut off', () => {
  const partitions = [extent(20, 30, 3), extent(0, 10, 1), extent(10, 20, 2)];

  it('are the oldest partitions whose last event is old enough', () => {
    expect(named(planCuts(partitions, { head: 40, keptFrom: time(3) }))).toEqual([['p0'], ['p10']]);
    expect(named(planCuts(partitions, { head: 40, keptFrom: time(1) })), 'the time itself stays').toEqual([]);
  });

  it('is never the partition of the head, nor one that the head has just filled', () => {
    const keptFrom = time(100);
    for (const head of [20, 25, 29]) expect(named(planCuts(partitions, { head, keptFrom }))).toEqual([['p0'], ['p10']]);
    expect(named(planCuts(partitions, { head: 19, keptFrom }))).toEqual([['p0']]);
    expect(named(planCuts(partitions, { head: 30, keptFrom }))).toHaveLength(3);
  });

  it('takes empty partitions along with the next that has events, and no further', () => {
    const sparse = [extent(0, 10, 1), extent(10, 20, undefined), extent(90, 100, 2), extent(100, 110, undefined)];
    expect(named(planCuts(sparse, { head: 200, keptFrom: time(9) }))).toEqual([['p0'], ['p10', 'p90']]);
  });

  it('is, for any log, a beginning of it without a hole, of which every event is old and which the head is beyond', () => {
    const some = fc.record({
      steps: fc.array(fc.option(fc.nat(3)), { maxLength: 8 }),
      head: fc.nat(100),
      kept: fc.nat(20),
    });
    fc.assert(
      fc.property(some, ({ steps, head, kept }) => {
        let day = 0;
        const all = steps.map((step, n) => extent(n * 10, n * 10 + 10, step === null ? undefined : (day += step)));
        const goes = planCuts(all, { head, keptFrom: time(kept) }).flatMap(plan => plan.partitions);
        expect(goes).toEqual(all.slice(0, goes.length));
        for (const { before, last } of goes) {
          expect(before).toBeLessThanOrEqual(head);
          if (last) expect(last.at < time(kept)).toBe(true);
        }
        const next = all.slice(goes.length).find(({ last }) => last);
        if (next)
          expect(
            next.last!.at >= time(kept) ||
              all[all.indexOf(next)]!.before > head ||
              all.slice(goes.length).some(p => p.before > head && p.from <= next.from),
          ).toBe(true);
      }),
    );
  });
});
