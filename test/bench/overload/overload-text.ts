import { cellRows, figuresText, missed } from './overload-table.js';
import { type OverloadReport } from './report.js';

const line = (cells: readonly string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');

/** A run as it is shown in the documentation. */
export function overloadText(report: OverloadReport): string {
  const { at, machine, database, options, scenarios, loadBefore } = report;
  const { instances, services, large, seconds } = options;
  const size = `${instances.toLocaleString('en')} instances in ${services.toLocaleString('en')} services, and one service of ${large.toLocaleString('en')}`;
  const source = `Measured ${at.slice(0, 10)}, ${machine}; ${database}: ${size}; ${seconds} s each; load average before ${loadBefore.toFixed(1)}.`;
  const { head, rows } = cellRows(report);
  const others = scenarios.map(({ name, figures, verdicts }) => [
    `\`${name}\``,
    figuresText(figures),
    missed(verdicts),
  ]);
  return [
    source,
    table(head, rows),
    ...(others.length > 0 ? [table(['scenario', 'figures', 'missed'], others)] : []),
  ].join('\n\n');
}
