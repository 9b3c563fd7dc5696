import Table from 'cli-table3';
import { type Growth } from './bench-case.js';
import { familyOf, growthTable } from './growth-table.js';
import { growthVerdicts } from './growth-targets.js';
import { type CaseResult, costOfResult } from './run-case.js';

/** All that one run of the bench tells; what `--out` writes and `--against` reads. */
export interface Report {
  readonly at: string;
  readonly machine: string;
  readonly seconds: number;
  readonly repetitions: number;
  /** What PG1 was measured with. */
  readonly pg1Tool: string;
  readonly database: string;
  readonly cases: readonly CaseResult[];
}

/** Cores that were busy, and below them what each operation cost. */
const CPU_HEAD = ['CPU service\ncores, µs each', 'CPU PostgreSQL\ncores, µs each'];

/** The report as a table for people. */
export function toTable({ cases }: Report, against?: Report): string {
  const head = ['case', 'yardstick', 'ratio', 'absolute', 'p50', 'p99', ...CPU_HEAD, 'targets'];
  const table = new Table({ head: against ? [...head, 'before'] : head, style: { head: [], border: [] } });
  for (const result of cases) {
    const row = rowOf(result);
    table.push(against ? [...row, changeOf(result, against)] : row);
  }
  return table.toString();
}

/** How the figures of cases grow that do the same with more; empty where there are none. */
export function toGrowthTables({ cases }: Report): string {
  const families: readonly Growth['family'][] = ['scale', 'log'];
  const tables = families.flatMap(family => {
    const results = familyOf(cases, family);
    if (results.length === 0) return [];
    const { head, rows } = growthTable(results);
    const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
    for (const row of rows) table.push([...row]);
    return table.toString();
  });
  const verdicts = growthVerdicts(cases).map(({ what, met, seen }) => `${met ? 'met' : 'MISSED'}: ${what} (${seen})`);
  return [...tables, ...verdicts].join('\n');
}

function rowOf(result: CaseResult): string[] {
  const { name, yardstick, ratio, unit, measured, targets } = result;
  const cost = costOfResult(result);
  return [
    name,
    yardstick ? `${yardstick.name} ${rounded(yardstick.perSecond)}${slowest(yardstick.p99)}` : '',
    ratio === null ? '' : ratio.toFixed(2),
    measured.perSecond === undefined ? '' : `${rounded(measured.perSecond)} ${unit}`,
    ms(measured.p50),
    ms(measured.p99),
    cpu(measured.serviceCores, cost.service),
    cpu(measured.postgresCores, cost.postgres),
    targets
      .map(({ what, met, aimed }) => `${met ? 'met' : 'MISSED'}: ${what}${aimed ? ' (and the aim)' : ''}`)
      .join('\n'),
  ];
}

const slowest = (p99: number | undefined): string => (p99 === undefined ? '' : `\np99 ${ms(p99)}`);

function changeOf({ name, ratio, measured }: CaseResult, { cases }: Report): string {
  const before = cases.find(other => other.name === name);
  if (!before) return '';
  const [now, then] =
    ratio !== null && before.ratio !== null ? [ratio, before.ratio] : [measured.perSecond, before.measured.perSecond];
  if (now === undefined || then === undefined) return '';
  const change = `${now >= then ? '+' : ''}${Math.round((now / then - 1) * 100)} %`;
  return `${change}\n(${ratio === null ? `${rounded(then)} ${before.unit}` : `ratio ${then.toFixed(2)}`})`;
}

const rounded = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toFixed(1));
const ms = (value: number | undefined): string =>
  value === undefined ? '' : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const cpu = (cores: number | undefined, each: number | undefined): string =>
  [cores?.toFixed(2), each === undefined ? undefined : `${rounded(each)} µs`].filter(Boolean).join('\n');
