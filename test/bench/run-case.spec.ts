import { describe, expect, it } from 'vitest';
import { type BenchCase, type BenchContext, type Measured } from './bench-case.js';
import { median, percentile } from './harness/statistics.js';
import { type CaseResult, costOfResult, runCase } from './run-case.js';

const CONTEXT = {} as BenchContext;

/** A case whose runs, and those of its yardstick, give these figures. */
function aCase(runs: readonly Measured[], yardstick: readonly Measured[], targets: BenchCase['targets']): BenchCase {
  const [left, stick] = [[...runs], [...yardstick]];
  return {
    name: 'a-case',
    work: 'something',
    unit: 'things/s',
    yardstick: { name: 'Y', measure: () => Promise.resolve(stick.shift()!) },
    targets,
    measure: () => Promise.resolve(left.shift()!),
  };
}

describe('a case of the bench', () => {
  it('is judged by the medians of its runs and of its yardstick, so that one lucky run counts nothing', async () => {
    const runs = [
      { perSecond: 50, p99: 10 },
      { perSecond: 900, p99: 900 },
      { perSecond: 60, p99: 11 },
    ];
    const benchCase = aCase(
      runs,
      [
        { perSecond: 100, p99: 30 },
        { perSecond: 120, p99: 9 },
        { perSecond: 1, p99: 8 },
      ],
      [
        { what: '0.55', of: 'ratio', atLeast: 0.55, aim: 0.9 },
        { what: '0.65', of: 'ratio', atLeast: 0.65 },
        { what: 'p99', of: 'p99', atMost: 10 },
        { what: 'rate', of: 'perSecond', atLeast: 60 },
      ],
    );
    const { ratio, yardstick, measured, targets } = await runCase(benchCase, CONTEXT, 3, () => undefined);
    expect(ratio).toBeCloseTo(0.6);
    expect(yardstick).toEqual({ name: 'Y', perSecond: 100, p99: 9 });
    expect(measured.p99).toBe(11);
    expect(targets.map(({ met }) => met)).toEqual([true, false, false, true]);
    expect(targets[0]!.aimed).toBe(false);
  });

  it('misses a target whose figure was not measured', async () => {
    const benchCase = aCase(
      [{}],
      [{ perSecond: 1 }],
      [
        { what: 'rate', of: 'perSecond', atLeast: 0 },
        { what: 'nothing wrong', of: 'figure wrong', atMost: 0 },
      ],
    );
    const { targets } = await runCase(benchCase, CONTEXT, 1, () => undefined);
    expect(targets.map(({ met }) => met)).toEqual([false, false]);
  });
});

const costing = (serviceCores: number, operations: number): Measured => ({ serviceCores, operations, busySeconds: 1 });

describe('what an operation of a case costs', () => {
  it('is the median of what it cost in each run, and not the medians of cores and rates, which may be of other runs', async () => {
    const benchCase = aCase([costing(1, 1_000), costing(0.5, 5_000), costing(0.2, 100)], [{}, {}, {}], []);
    const { cost } = await runCase(benchCase, CONTEXT, 3, () => undefined);
    expect(cost?.service).toBeCloseTo(1_000);
    expect(cost?.postgres).toBeUndefined();
  });

  it('is left out of the median where a run did not tell it', async () => {
    const benchCase = aCase([costing(1, 1_000), { perSecond: 1 }], [{}, {}], []);
    expect((await runCase(benchCase, CONTEXT, 2, () => undefined)).cost?.service).toBeCloseTo(1_000);
  });

  it('comes from cores and rate in results that were stored without it', () => {
    const stored = { measured: { perSecond: 2_000, serviceCores: 0.5, postgresCores: 0.1 } } as CaseResult;
    expect(costOfResult(stored)).toEqual({ service: 250, postgres: 50 });
    expect(costOfResult({ ...stored, cost: { service: 7 } })).toEqual({ service: 7 });
  });
});

describe('percentiles and medians', () => {
  it('are those of the sorted values', () => {
    const values = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect([percentile(values, 50), percentile(values, 99), percentile([7], 99)]).toEqual([51, 100, 7]);
    expect([median([3, 1, 2]), median([4, 1]), median([])]).toEqual([2, 2.5, Number.NaN]);
  });
});
