import Table from 'cli-table3';
import { answersText, countOf, sumOf } from './latencies.js';
import { type Answers, type CellResult, type LaneResult, type OverloadReport, type Verdict } from './report.js';

const MICROS = 1e6;
const SECOND_MS = 1_000;

/** From which delay of the prober itself (ms) on it is told: its latencies are no more exact than that. */
const OWN_DELAY_TOLD_MS = 30;

/** What the columns of a cell show. */
const HEAD = [
  'readers',
  'heartbeats, kept\np50 / p99 / max ms',
  'heartbeats, new\np50 / p99 / max ms',
  'ready\np99 ms',
  'heartbeats\nnot 204',
  'dead\nlate s',
  'answers to readers',
  'p50 / p99 ms',
  'RSS\nMiB',
  'longest\nturn ms',
  'CPU µs each\nservice / PostgreSQL',
  'missed',
];

/** The cells and scenarios as tables for people. */
export function overloadTable({ quiet, cells, scenarios }: OverloadReport): string {
  const table = new Table({ head: HEAD, style: { head: [], border: [] } });
  for (const cell of [quiet, ...cells]) table.push(cellRow(cell, quiet).map(text => text.replaceAll('; ', '\n')));
  const others = new Table({ head: ['scenario', 'figures', 'missed'], style: { head: [], border: [] } });
  for (const { name, figures, verdicts } of scenarios) {
    others.push([name, figuresText(figures).replaceAll('; ', '\n'), missed(verdicts).replaceAll('; ', '\n')]);
  }
  return [table.toString(), ...(scenarios.length > 0 ? [others.toString()] : [])].join('\n');
}

/** The head and the rows of the cells, with `; ` between the parts of a field. */
export const cellRows = ({ quiet, cells }: OverloadReport): { head: readonly string[]; rows: readonly string[][] } => ({
  head: HEAD.map(text => text.replaceAll('\n', ' ')),
  rows: [quiet, ...cells].map(cell => cellRow(cell, quiet)),
});

export const figuresText = (figures: Readonly<Record<string, number>>): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name}: ${rounded(value)}`)
    .join('; ');

/** The targets that were missed, with what was seen; or that none was. */
export function missed(verdicts: readonly Verdict[]): string {
  const not = verdicts.filter(({ met }) => !met).map(({ what, seen }) => `MISSED: ${what}: ${seen}`);
  return not.length === 0 ? 'ok' : not.join('; ');
}

/** One line, while a run goes on. */
export function cellLine(cell: CellResult): string {
  const { kept, new: onNew, ready } = cell.probes.lanes;
  const late = `dead late ${seconds(cell.leases.deadLate)} s, RSS ${rounded(cell.rssMiB)} MiB`;
  return `${nameOf(cell)}: p99 kept ${rounded(kept.p99)}, new ${rounded(onNew.p99)}, ready ${rounded(ready.p99)} ms, ${late}; ${answersText(readersOf(cell))}`;
}

function cellRow(cell: CellResult, quiet: CellResult): string[] {
  const { probes, leases, rssMiB, longestTurnMs, verdicts, readers } = cell;
  const { kept, new: onNew, ready } = probes.lanes;
  return [
    `${nameOf(cell)}${probes.ownDelay > OWN_DELAY_TOLD_MS ? `; prober ${rounded(probes.ownDelay)} ms late` : ''}`,
    laneText(kept, quiet.probes.lanes.kept),
    laneText(onNew, quiet.probes.lanes.new),
    `${rounded(ready.p99)}; ${ratio(ready, quiet.probes.lanes.ready)}`,
    answersText(withoutDone(sumOf([kept.answers, onNew.answers]))),
    `${seconds(leases.deadLate)}${leases.deadOpen > 0 ? `; ${leases.deadOpen} not yet` : ''}`,
    answersText(readersOf(cell)),
    readers.map(({ p50, p99 }) => `${rounded(p50)} / ${rounded(p99)}`).join('; '),
    rounded(rssMiB),
    rounded(longestTurnMs),
    costText(cell),
    missed(verdicts),
  ];
}

const nameOf = ({ name, callers }: CellResult): string => (callers === 0 ? name : `${name} × ${callers}`);

/** Of a lane, and below it how many times as slow as without readers. */
const laneText = (lane: LaneResult, quiet: LaneResult): string =>
  `${rounded(lane.p50)} / ${rounded(lane.p99)} / ${rounded(lane.max)}; ${ratio(lane, quiet)}${lane.waiting > 0 ? `; ${lane.waiting} waited at the end` : ''}`;

const ratio = (lane: LaneResult, quiet: LaneResult): string => `${(lane.p99 / quiet.p99).toFixed(1)} × quiet`;

/** What all readers of a cell got, with those that had no answer when it ended. */
function readersOf({ readers }: CellResult): Answers {
  const waiting = readers.reduce((sum, reader) => sum + reader.waiting, 0);
  return { ...sumOf(readers.map(({ answers }) => answers)), ...(waiting > 0 && { 'no answer yet': waiting }) };
}

const withoutDone = (answers: Answers): Answers =>
  Object.fromEntries(Object.entries(answers).filter(([answer]) => answer !== '204'));

/**
 * Processor time of the whole window for each answer to readers: that of the heartbeats is in it, and where most are refused, it is
 * little. Of the five kinds at once it is the mean of all.
 */
function costText({ readers, cpu }: CellResult): string {
  const answered = countOf(sumOf(readers.map(({ answers }) => answers)), answer => /^\d/.test(answer));
  if (answered === 0) return '–';
  const each = (seconds: number) => rounded((seconds * MICROS) / answered);
  return `${each(cpu.service)} / ${each(cpu.postgres)}`;
}

const seconds = (ms: number): string => (Number.isFinite(ms) ? (ms / SECOND_MS).toFixed(1) : '–');

function rounded(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}
