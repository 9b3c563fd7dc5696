import Table from 'cli-table3';
import {
  type ComparedFigure,
  compareRuns,
  type ComparedRuns,
  type FigureName,
  isWithin,
  judge,
  type Side,
  TOLERANCE,
} from './comparison.js';
import { type Commit } from './git.js';

/** All that a comparison of two commits tells; what `--out` writes. */
export interface Comparison {
  readonly at: string;
  readonly machine: string;
  readonly database: string;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly rounds: number;
  readonly before: Commit;
  readonly now: Commit;
  readonly cases: readonly ComparedRuns[];
}

const LABELS: Readonly<Record<Exclude<FigureName, 'rate'>, string>> = {
  p50: 'p50 ms',
  p99: 'p99 ms',
  service: 'CPU service\nµs each',
  postgres: 'CPU PostgreSQL\nµs each',
};

const PERCENT = 100;

/** Characters of a commit's name in the head of a table. */
const SHORT = 7;

/** The table and the verdict of each case, for people. */
export function comparisonText(comparison: Comparison): string {
  const { before, now, rounds, cases } = comparison;
  const head = `before: ${before.title}\nnow:    ${now.title}\n${rounds} runs of each in turn; medians, then all runs and from least to greatest`;
  return [head, ...cases.map(runs => caseText(runs, comparison))].join('\n\n');
}

function caseText(runs: ComparedRuns, { before, now }: Comparison): string {
  const figures = compareRuns(runs);
  const head = ['', `before ${before.id.slice(0, SHORT)}`, `now ${now.id.slice(0, SHORT)}`, 'now ÷ before'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const figure of figures) {
    const label = figure.figure === 'rate' ? runs.unit : LABELS[figure.figure];
    table.push([label, sideText(figure.before), sideText(figure.now), ratioText(figure)]);
  }
  const repeated = runs.repeated.map(run => `${runs.name}: repeated, since it failed: ${run}`);
  const failure =
    runs.failure === null ? [] : [`${runs.name}: FAILED, and ended before its last round: ${runs.failure}`];
  const lines = [
    `${runs.name}: ${runs.work}`,
    table.toString(),
    verdictText(runs.name, figures),
    ...repeated,
    ...failure,
  ];
  return lines.join('\n');
}

/** One line: whether the medians of what an operation costs are near enough. */
export function verdictText(name: string, figures: readonly ComparedFigure[]): string {
  const within = `within ${TOLERANCE * PERCENT} %`;
  const verdict = judge(figures);
  const small = verdict.tooSmall.map(cost => `${textOf(cost)} is too small a part to be judged`);
  if (verdict.isWithin === undefined) {
    return `${name}: not judged, since not every run tells the processor time of an operation (Linux does, where some are done)`;
  }
  const said = verdict.isWithin
    ? `medians are ${within}: ${verdict.judged.map(textOf).join(', ')}`
    : `medians are NOT ${within}: ${verdict.judged.map(cost => `${textOf(cost)}${isWithin(cost) ? ' is' : ''}`).join(', ')}`;
  return [`${name}: ${said}`, ...small].join('; ');
}

const textOf = ({ figure, ratio, roundRatios }: ComparedFigure): string =>
  `${figure === 'service' ? 'CPU service' : 'CPU PostgreSQL'} ${ratio.toFixed(3)} (by rounds ${roundRatios.median.toFixed(3)})`;

const ratioText = ({ ratio, roundRatios }: ComparedFigure): string =>
  `${ratio.toFixed(3)}, by rounds ${roundRatios.median.toFixed(3)}\n${roundRatios.runs.map(each => each.toFixed(2)).join(' ')}`;

const sideText = ({ median, spread, runs }: Side): string =>
  `${rounded(median)}, spread ${percent(spread)}\n${runs.map(rounded).join(' ')}`;

const percent = (part: number): string => (Number.isFinite(part) ? `${Math.round(part * PERCENT)} %` : '–');

const rounded = (value: number): string => {
  if (value >= 100) return String(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
};
