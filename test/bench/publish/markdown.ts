import { type Growth } from '../bench-case.js';
import { familyOf, figureText, growthTable } from '../growth-table.js';
import { growthVerdicts } from '../growth-targets.js';
import { costOfResult } from '../run-case.js';
import { type Published, type PublishedCase } from './published.js';

/** A row of a table; pipes in cells would end them. */
const line = (cells: readonly string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), line(head.map((_, n) => (n === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** Where figures are from: one line for each machine and day. */
function sourceOf(cases: readonly PublishedCase[]): string {
  const sources = cases.map(({ at, machine, database }) => `${at.slice(0, 10)}, ${machine}; ${database}`);
  return `Measured ${[...new Set(sources)].sort().join('; and ')}.`;
}

const targetsOf = ({ targets }: PublishedCase): string =>
  targets.map(({ what, met }) => `${what}: ${met ? 'met' : '**missed**'}`).join('; ');

/** The table of a family: figures by size. */
export function familyText(published: Published, family: Growth['family']): string {
  const members = published.cases.filter(({ growth }) => growth?.family === family);
  if (members.length === 0) return 'Not measured yet.';
  const { head, rows } = growthTable(familyOf(members, family));
  const judged = members.filter(({ targets }) => targets.length > 0);
  const verdicts = judged.map(result => `- \`${result.name}\`: ${targetsOf(result)}`);
  const growth = growthVerdicts(members).map(
    ({ what, met, seen }) => `- ${what}: ${met ? 'met' : '**missed**'} (${seen})`,
  );
  return [sourceOf(members), table(head, rows), [...verdicts, ...growth].join('\n')]
    .filter(part => part !== '')
    .join('\n\n');
}

const HEAD = ['case', 'yardstick', 'ratio', 'absolute', 'p50 / p99', 'CPU µs: service / PostgreSQL', 'targets'];

/** The table of all other cases. */
export function casesText({ cases }: Published): string {
  const usual = cases.filter(({ growth }) => growth === undefined);
  if (usual.length === 0) return 'Not measured yet.';
  const rows = usual.map(result => {
    const { name, yardstick, ratio, unit, measured } = result;
    const { perSecond, p50, p99 } = measured;
    return [
      `\`${name}\``,
      yardstick ? `${yardstick.name} ${figureText(yardstick.perSecond)}/s${slowest(yardstick.p99)}` : '–',
      ratio === null ? '–' : ratio.toFixed(2),
      perSecond === undefined ? '–' : `${figureText(perSecond)} ${unit}`,
      p50 === undefined ? '–' : `${figureText(p50)} / ${figureText(p99)} ms`,
      costText(result),
      targetsOf(result),
    ];
  });
  return `${sourceOf(usual)}\n\n${table(HEAD, rows)}`;
}

/** Processor time of each operation. */
function costText(result: PublishedCase): string {
  const { service, postgres } = costOfResult(result);
  return service === undefined && postgres === undefined ? '–' : `${figureText(service)} / ${figureText(postgres)}`;
}

const slowest = (p99: number | undefined): string => (p99 === undefined ? '' : `, p99 ${figureText(p99)} ms`);

/** Puts a text between the marks of its name. @throws Error when the page has no such marks */
export function between(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error(`The page has no place for ${name}: ${begin} … ${end}.`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}
