import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Measured } from '../bench-case.js';
import { type ComparedFigure, compareRuns, type FigureName, isWithin, judge } from './comparison.js';
import { microsEach } from '../harness/micros-each.js';

/** A run in which each operation costs so many µs of the service and of PostgreSQL. */
const costing = (service: number, postgres: number, operations = 1_000): Measured => ({
  perSecond: operations / 2,
  operations,
  busySeconds: 4,
  serviceCores: (service * operations) / 4e6,
  postgresCores: (postgres * operations) / 4e6,
});

const figureOf = (figure: FigureName, before: readonly Measured[], now: readonly Measured[]): ComparedFigure => {
  const found = compareRuns({ before, now }).find(other => other.figure === figure);
  if (!found) throw new Error(`There is no figure ${figure}.`);
  return found;
};

const figureNames = (before: readonly Measured[], now: readonly Measured[]) => namesOf(compareRuns({ before, now }));

const judged = (before: Measured, now: Measured) => judge(compareRuns({ before: [before], now: [now] }));
const namesOf = (figures: readonly ComparedFigure[]) => figures.map(({ figure }) => figure);

describe('the processor time of an operation', () => {
  it('is that of all operations while the processor was looked at, whatever the rate', () => {
    expect(microsEach({ perSecond: 1, operations: 1_000, busySeconds: 2 }, 0.5)).toBeCloseTo(1_000);
  });

  it('is that of a second over the rate where operations are not counted', () => {
    expect(microsEach({ perSecond: 2_000 }, 0.5)).toBeCloseTo(250);
    expect(microsEach({ perSecond: 2_000, operations: 7 }, 0.5), 'in an unknown time').toBeCloseTo(250);
  });

  it.each<[string, Measured, number | undefined]>([
    ['no processor was looked at', { perSecond: 1, operations: 1, busySeconds: 1 }, undefined],
    ['nothing was counted', { busySeconds: 1 }, 1],
    ['no operation was done', { perSecond: 5, operations: 0, busySeconds: 1 }, 1],
    ['nothing was done in a second', { perSecond: 0 }, 1],
  ])('is unknown where %s', (_, run, cores) => expect(microsEach(run, cores)).toBeUndefined());
});

describe('the figures of two commits', () => {
  it('are medians, so that one lucky run counts nothing, with all runs in their order', () => {
    const before = [100, 900, 110].map(perSecond => ({ perSecond }));
    const now = [220, 210, 1].map(perSecond => ({ perSecond }));
    expect(figureOf('rate', before, now)).toEqual({
      figure: 'rate',
      before: { median: 110, spread: 800 / 110, runs: [100, 900, 110] },
      now: { median: 210, spread: 219 / 210, runs: [220, 210, 1] },
      ratio: 210 / 110,
      roundRatios: { median: 210 / 900, spread: (2.2 - 1 / 110) / (210 / 900), runs: [2.2, 210 / 900, 1 / 110] },
    });
  });

  it('are those that every run has', () => {
    const whole = { perSecond: 1, p50: 2, p99: 3, ...costing(10, 20) };
    expect(figureNames([whole, whole], [whole, whole])).toEqual(['rate', 'p50', 'p99', 'service', 'postgres']);
    expect(figureNames([whole, whole], [whole, { ...whole, p50: undefined }])).not.toContain('p50');
    expect(figureNames([{ ...whole, serviceCores: undefined }, whole], [whole, whole])).not.toContain('service');
    expect(figureNames([whole], [{ ...whole, p99: Number.NaN }])).not.toContain('p99');
    expect(figureNames([], [])).toEqual([]);
    expect(figureNames([whole], [])).toEqual([]);
  });

  it('are the same for a commit and itself, whatever its runs are', () => {
    const run = fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 5_000 }));
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 9 }), pairs => {
        const runs = pairs.map(([service, postgres]) => costing(service, postgres));
        const figures = compareRuns({ before: runs, now: runs });
        expect(figures.map(({ ratio, roundRatios }) => [ratio, roundRatios.median, roundRatios.spread])).toEqual(
          figures.map(() => [1, 1, 0]),
        );
        expect(judge(figures).isWithin).toBe(true);
      }),
    );
  });

  it('have the inverse ratio the other way round', () => {
    const run = fc.integer({ min: 1, max: 5_000 }).map(service => costing(service, 1));
    const runs = fc.array(run, { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(runs, runs, (a, b) => {
        const product = figureOf('service', a, b).ratio * figureOf('service', b, a).ratio;
        expect(product).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe('the verdict', () => {
  it.each([
    [1.05, true],
    [0.95, true],
    [105 / 100, true],
    [1.0501, false],
    [0.9499, false],
    [Number.NaN, false],
    [Number.POSITIVE_INFINITY, false],
    [0, false],
  ])('of a ratio of %d is %j: being cheaper is a difference, too', (ratio, within) =>
    expect(isWithin({ ratio })).toBe(within),
  );

  it('is by what an operation costs, not by how fast the machine was', () => {
    const slow = { ...costing(500, 300), perSecond: 10, p50: 900, p99: 9_000 };
    const fast = { ...costing(510, 295), perSecond: 9_000, p50: 1, p99: 2 };
    expect(judged(slow, fast).isWithin).toBe(true);
    expect(judged(costing(500, 300), costing(530, 300)).isWithin).toBe(false);
    expect(judged(costing(500, 300), costing(500, 280)).isWithin).toBe(false);
  });

  it('does not let one cost make up for the other', () => {
    expect(judged(costing(500, 300), costing(400, 400)).isWithin).toBe(false);
  });

  it('leaves out a cost that is next to nothing', () => {
    const { isWithin: within, tooSmall, judged: costs } = judged(costing(120, 2), costing(121, 4));
    expect([within, namesOf(costs), namesOf(tooSmall)]).toEqual([true, ['service'], ['postgres']]);
  });

  it('sees a cost that was next to nothing and grew', () => {
    const { isWithin: within, judged: costs } = judged(costing(120, 0), costing(120, 60));
    expect([within, namesOf(costs)]).toEqual([false, ['service', 'postgres']]);
    expect(judged(costing(120, 60), costing(120, 0)).isWithin, 'or shrank').toBe(false);
  });

  it('is none where nothing is known, or nothing was used', () => {
    expect(judged({ perSecond: 1 }, { perSecond: 1 })).toEqual({ judged: [], tooSmall: [] });
    const { isWithin: within, tooSmall } = judged(costing(0, 0), costing(0, 0));
    expect([within, namesOf(tooSmall)]).toEqual([undefined, ['service', 'postgres']]);
  });

  it('is by PostgreSQL alone where it alone is known', () => {
    const without = { ...costing(0, 300), serviceCores: undefined };
    expect(namesOf(judged(without, without).judged)).toEqual(['postgres']);
  });
});
