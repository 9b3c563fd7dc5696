import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PartitionExtent, planCuts } from './cut-plan.js';

const time = (day: number) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString();

const extent = (from: number, before: number, day: number | undefined): PartitionExtent => ({
  name: `p${from}`,
  from,
  before,
  isDetaching: false,
  last: day === undefined ? undefined : { revision: before - 1, hash: '', at: time(day) },
});

const named = (plans: ReturnType<typeof planCuts>) => plans.map(({ partitions }) => partitions.map(({ name }) => name));

describe('The planned cuts', () => {
  const partitions = [extent(20, 30, 3), extent(0, 10, 1), extent(10, 20, 2)];

  it('remove the oldest partitions whose last event is old enough', () => {
    expect(named(planCuts(partitions, { head: 40, retainedFrom: time(3) }))).toEqual([['p0'], ['p10']]);
    expect(
      named(planCuts(partitions, { head: 40, retainedFrom: time(1) })),
      'an event of that time is retained',
    ).toEqual([]);
  });

  it('never remove the partition of the head, nor one that the head has just filled', () => {
    const retainedFrom = time(100);
    for (const head of [20, 25, 29])
      expect(named(planCuts(partitions, { head, retainedFrom }))).toEqual([['p0'], ['p10']]);
    expect(named(planCuts(partitions, { head: 19, retainedFrom }))).toEqual([['p0']]);
    expect(named(planCuts(partitions, { head: 30, retainedFrom }))).toHaveLength(3);
  });

  it('remove empty partitions together with the next one that has events', () => {
    const sparse = [extent(0, 10, 1), extent(10, 20, undefined), extent(90, 100, 2), extent(100, 110, undefined)];
    expect(named(planCuts(sparse, { head: 200, retainedFrom: time(9) }))).toEqual([['p0'], ['p10', 'p90']]);
  });

  it('remove, for any log, consecutive partitions from its beginning that lie below the head and have only old events', () => {
    const some = fc.record({
      steps: fc.array(fc.option(fc.nat(3)), { maxLength: 8 }),
      head: fc.nat(100),
      kept: fc.nat(20),
    });
    fc.assert(
      fc.property(some, ({ steps, head, kept }) => {
        let day = 0;
        const all = steps.map((step, n) => extent(n * 10, n * 10 + 10, step === null ? undefined : (day += step)));
        const removed = planCuts(all, { head, retainedFrom: time(kept) }).flatMap(plan => plan.partitions);
        expect(removed).toEqual(all.slice(0, removed.length));
        for (const { before, last } of removed) {
          expect(before).toBeLessThanOrEqual(head);
          if (last) expect(last.at < time(kept)).toBe(true);
        }
        const next = all.slice(removed.length).find(({ last }) => last);
        if (next)
          expect(
            next.last!.at >= time(kept) ||
              all[all.indexOf(next)]!.before > head ||
              all.slice(removed.length).some(p => p.before > head && p.from <= next.from),
          ).toBe(true);
      }),
    );
  });
});
