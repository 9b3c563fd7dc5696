import { describe, expect, it } from 'vitest';
import { type BenchCase, type Growth } from '../bench-case.js';
import { chooseCases } from '../choose-cases.js';
import { figureText } from '../growth-table.js';
import { growthVerdicts } from '../growth-targets.js';
import { type Report } from '../report.js';
import { type CaseResult } from '../run-case.js';
import { growthPlots } from './growth-plots.js';
import { between, casesText, familyText } from './markdown.js';
import { toSvg } from './plot.js';
import { NOTHING_PUBLISHED, withReport } from './published.js';

const aResult = (name: string, growth?: Growth, figures: Record<string, number> = {}): CaseResult => ({
  name,
  work: 'something',
  unit: 'things/s',
  ...(growth && { growth }),
  yardstick: null,
  ratio: null,
  measured: { perSecond: 10, figures },
  targets: [],
  runs: [],
});

const aReport = (at: string, ...cases: CaseResult[]): Report => ({
  at,
  machine: 'a machine',
  seconds: 5,
  repetitions: 1,
  pg1Tool: 'pgbench',
  database: 'a database',
  cases,
});

const sized = (size: number, figures: Record<string, number>) =>
  aResult(`scale-${size}`, { family: 'scale', of: 'instances', size }, figures);

const aCase = (name: string, growth?: Growth): BenchCase => ({
  name,
  work: '',
  unit: '',
  targets: [],
  ...(growth && { growth }),
  measure: () => Promise.resolve({}),
});

describe('the cases that are run', () => {
  const usual = [aCase('register'), aCase('watch')];
  const growing = [10, 100].map(size => aCase(`scale-${size}`, { family: 'scale', of: 'instances', size }));
  const namesOf = (...names: string[]) => chooseCases(names, usual, growing).chosen.map(({ name }) => name);

  it('are the usual ones, or those that are named, alone or by their family', () => {
    expect(namesOf()).toEqual(['register', 'watch']);
    expect(namesOf('scale-100', 'register')).toEqual(['register', 'scale-100']);
    expect(namesOf('scale')).toEqual(['scale-10', 'scale-100']);
  });

  it('are none that do not exist', () => {
    expect(chooseCases(['wat', 'scale'], usual, growing).unknown).toEqual(['wat']);
  });
});

describe('what is published', () => {
  const first = withReport(NOTHING_PUBLISHED, aReport('2026-01-01T00:00:00Z', aResult('register'), aResult('watch')));

  it('has each case once, in its place: the last run of it, while those that were not run stay', () => {
    const second = withReport(first, aReport('2026-01-02T00:00:00Z', aResult('mixed'), aResult('register')));
    expect(second.cases.map(({ name, at }) => `${name} ${at.slice(8, 10)}`)).toEqual([
      'register 02',
      'watch 01',
      'mixed 02',
    ]);
    expect(casesText(second)).toMatch(/2026-01-01.*2026-01-02/);
  });

  it('shows a family by size, whatever the order in which its cases were run, and what was not measured as such', () => {
    const published = withReport(
      NOTHING_PUBLISHED,
      aReport('2026-01-01T00:00:00Z', sized(100, { 'view load ms': 12.345 }), sized(10, { 'a|b ms': 1 })),
    );
    expect(familyText(published, 'scale')).toContain(
      '| instances | 10 | 100 |\n| --- | --: | --: |\n| a\\|b ms | 1.00 | – |\n| view load ms | – | 12.3 |',
    );
    expect(familyText(published, 'log')).toBe('Not measured yet.');
  });

  it('shows what an operation costs, and a dash where nothing is known of it', () => {
    const known = { ...aResult('register'), cost: { service: 525.4, postgres: 0 } };
    const published = withReport(NOTHING_PUBLISHED, aReport('2026-01-01T00:00:00Z', known, aResult('watch')));
    const [register, watch] = casesText(published).split('\n').slice(-2);
    expect(register).toContain('| 525 / 0.00 |');
    expect(watch).not.toContain(' / ');
  });

  it('goes between its marks, and leaves the rest of the page alone', () => {
    const page = 'before <!-- bench:scale -->old<!-- /bench:scale --> after';
    const changed = between(page, 'scale', 'new');
    expect(changed).toBe('before <!-- bench:scale -->\n\nnew\n\n<!-- /bench:scale --> after');
    expect(between(changed, 'scale', 'new')).toBe(changed);
    expect(() => between(page, 'log', 'new')).toThrow(/no place for log/);
  });

  it('has figures with as many digits as count', () => {
    expect([0.1234, 9.999, 12.34, 123.4, 12_345, Number.NaN, undefined].map(figureText)).toEqual([
      '0.12',
      '10.00',
      '12.3',
      '123',
      '12,345',
      '–',
      '–',
    ]);
  });
});

describe('plots of growth', () => {
  it('have a line for each figure over the sizes, and are the same document for the same figures', () => {
    const results = [sized(1_000, { 'view load ms': 10 }), sized(10_000, { 'view load ms': 100 })];
    const plots = growthPlots(results);
    expect(plots.get('scale-start')?.lines).toEqual([
      {
        name: 'view load ms',
        points: [
          [1_000, 10],
          [10_000, 100],
        ],
      },
    ]);
    const svg = toSvg(plots.get('scale-start')!);
    expect(svg).toMatch(/^<svg /);
    expect(svg).toContain('view load ms');
    expect(toSvg(plots.get('scale-start')!)).toBe(svg);
  });

  it('are none of a single size: it shows no growth', () => {
    expect(growthPlots([sized(1_000, { 'view load ms': 10 })]).size).toBe(0);
  });
});

/** A size of the family with what its growth is judged by. */
const at = (size: number, discover: number, heartbeat: number, sweep: number) =>
  sized(size, { 'discover/s': discover, 'heartbeat node CPU µs': heartbeat, 'sweep, nothing over ms': sweep });
const met = (...results: CaseResult[]) => growthVerdicts(results).map(verdict => verdict.met);

describe('what may grow', () => {
  it('is a sweep, linearly; reads and what one heartbeat costs stay', () => {
    expect(met(at(1_000, 1_300, 100, 1), at(100_000, 1_000, 140, 100))).toEqual([true, true, true]);
    expect(met(at(1_000, 1_310, 100, 1), at(100_000, 1_000, 160, 200))).toEqual([false, false, false]);
  });

  it('is judged for reads at 100,000, though there be a larger size', () => {
    const results = [at(1_000, 1_000, 100, 1), at(100_000, 900, 100, 100), at(300_000, 100, 100, 300)];
    expect(met(...results)).toEqual([true, true, true]);
  });

  it('is not judged of one size, and missed by what was not measured', () => {
    expect(met(at(1_000, 1, 1, 1))).toEqual([]);
    expect(met(sized(1_000, {}), sized(10_000, {}))).toEqual([false, false, false]);
  });
});
