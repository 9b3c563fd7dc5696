import { describe, expect, it } from 'vitest';
import { type Measured } from '../bench-case.js';
import { compareRuns, type ComparedRuns } from './comparison.js';
import { type Comparison, comparisonText, verdictText } from './comparison-table.js';

const run = (service: number, postgres: number, others: Measured = {}): Measured => ({
  perSecond: 1_000,
  operations: 1_000,
  busySeconds: 1,
  serviceCores: service / 1_000,
  postgresCores: postgres / 1_000,
  ...others,
});

const aCase = (name: string, before: readonly Measured[], now: readonly Measured[]): ComparedRuns => ({
  name,
  work: 'something',
  unit: 'things/s',
  before,
  now,
  repeated: [],
  failure: null,
});

const aComparison = (...cases: ComparedRuns[]): Comparison => ({
  at: '2026-11-28T00:00:00.000Z',
  machine: 'a machine',
  database: 'a database',
  seconds: 5,
  warmUpSeconds: 2,
  rounds: 2,
  before: { id: 'a'.repeat(40), title: 'aaaaaaa feat: one' },
  now: { id: 'b'.repeat(40), title: 'bbbbbbb feat: | two' },
  cases,
});

const verdict = (before: Measured, now: Measured) =>
  verdictText('register', compareRuns({ before: [before], now: [now] }));

/** The cells of the row with this label, each line of the table that belongs to it. */
function rowOf(text: string, label: string): string[][] {
  const lines = text.split('\n').map(line => line.split('│').map(cell => cell.trim()));
  const first = lines.findIndex(([, name]) => name === label);
  return lines.slice(first, first + 2).map(cells => cells.slice(1, -1));
}

describe('the table of two commits', () => {
  it('has of each figure the medians, all runs, how far they are apart, and the ratio', () => {
    const before = [run(500, 300, { p50: 9.5, p99: 20 }), run(520, 310, { p50: 9.7, p99: 30 })];
    const now = [run(505, 290, { p50: 9.5, p99: 25 }), run(535, 300, { p50: 9.9, p99: 25 })];
    const text = comparisonText(aComparison(aCase('register', before, now)));
    expect(text).toContain('before: aaaaaaa feat: one\nnow:    bbbbbbb feat: | two\n2 runs of each in turn');
    expect(text).toContain('register: something');
    expect(text).toMatch(/│ before aaaaaaa +│ now bbbbbbb +│ now ÷ before/);
    expect(rowOf(text, 'CPU service')).toEqual([
      ['CPU service', '510, spread 4 %', '520, spread 6 %', '1.020, by rounds 1.019'],
      ['µs each', '500 520', '505 535', '1.01 1.03'],
    ]);
    expect(rowOf(text, 'CPU PostgreSQL')[1]).toEqual(['µs each', '300 310', '290 300', '0.97 0.97']);
    expect(rowOf(text, 'p50 ms')).toEqual([
      ['p50 ms', '9.60, spread 2 %', '9.70, spread 4 %', '1.010, by rounds 1.010'],
      ['', '9.50 9.70', '9.50 9.90', '1.00 1.02'],
    ]);
    expect(rowOf(text, 'things/s')[0]).toEqual([
      'things/s',
      '1000, spread 0 %',
      '1000, spread 0 %',
      '1.000, by rounds 1.000',
    ]);
    expect(text.split('\n').at(-1)).toBe(
      'register: medians are within 5 %: CPU service 1.020 (by rounds 1.019), CPU PostgreSQL 0.967 (by rounds 0.967)',
    );
  });

  it('has a table and a verdict for each case, and figures that are known only', () => {
    const text = comparisonText(aComparison(aCase('one', [run(9, 9)], [run(9, 9)]), aCase('two', [{}], [{ p50: 1 }])));
    expect(text.match(/now ÷ before/g)).toHaveLength(2);
    expect(text).not.toContain('p50');
    expect(text).toContain('one: medians are within 5 %');
    expect(text).toMatch(/two: not judged/);
  });

  it('tells of runs that failed and were made again', () => {
    const failed = { ...aCase('one', [run(9, 9)], [run(9, 9)]), repeated: ['now 1/1: a wrong answer'] };
    expect(comparisonText(aComparison(failed))).toMatch(/\none: repeated, since it failed: now 1[/]1: a wrong answer$/);
  });

  it('tells of a case that failed in the end, and what was measured of it before', () => {
    const failed = { ...aCase('one', [run(9, 9)], [run(9, 9)]), failure: '2/2: a wrong answer' };
    const text = comparisonText(aComparison(failed, { ...failed, name: 'two', before: [], now: [] }));
    expect(text).toMatch(
      /one: medians are within[^]*one: FAILED, and ended before its last round: 2[/]2: a wrong answer/,
    );
    expect(text).toMatch(/two: not judged[^]*two: FAILED/);
  });

  it('has no spread of runs that were all nothing', () => {
    const text = comparisonText(aComparison(aCase('one', [run(9, 0)], [run(9, 0)])));
    expect(rowOf(text, 'CPU PostgreSQL')[0]).toEqual([
      'CPU PostgreSQL',
      '0.00, spread –',
      '0.00, spread –',
      'NaN, by rounds NaN',
    ]);
  });
});

describe('the line that tells the verdict', () => {
  it('says so when medians are apart, and which are not', () => {
    expect(verdict(run(500, 300), run(550, 303))).toBe(
      'register: medians are NOT within 5 %: CPU service 1.100 (by rounds 1.100), CPU PostgreSQL 1.010 (by rounds 1.010) is',
    );
  });

  it('names a cost that is too small to be judged', () => {
    expect(verdict(run(100, 2), run(100, 3))).toBe(
      'register: medians are within 5 %: CPU service 1.000 (by rounds 1.000); CPU PostgreSQL 1.500 (by rounds 1.500) is too small a part to be judged',
    );
  });

  it('does not claim to have judged what it could not', () => {
    expect(verdict({ perSecond: 1 }, { perSecond: 1 })).toMatch(/^register: not judged/);
    expect(verdict(run(0, 0), run(0, 0))).toMatch(/^register: not judged/);
  });
});
