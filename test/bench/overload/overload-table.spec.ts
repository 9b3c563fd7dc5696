import { describe, expect, it } from 'vitest';
import { cellRows, missed, overloadTable } from './overload-table.js';
import { overloadText } from './overload-text.js';
import { type CellResult, type LaneResult, type OverloadReport } from './report.js';

const lane = (p99: number): LaneResult => ({
  count: 10,
  waiting: p99 > 100 ? 4 : 0,
  p50: 2,
  p99,
  max: 2 * p99,
  answers: { 204: 9, ...(p99 > 100 && { '503 OVERLOADED': 1 }) },
});

const cell = (name: string, callers: number, p99: number, reads: number): CellResult => ({
  name,
  callers,
  kindsAtOnce: 1,
  probes: { lanes: { kept: lane(p99), new: lane(p99), ready: lane(p99) }, ownDelay: 1 },
  readers:
    reads === 0
      ? []
      : [{ kind: name, callers, answers: { 200: reads, ECONNRESET: 7 }, waiting: 3, p50: 5, p99: 50, bytes: 9 }],
  leases: { deadLate: 1_500, deadOpen: 0, lost: 0, ended: 0, guards: {}, roleMoves: 0 },
  rssMiB: 512.4,
  longestTurnMs: 44,
  cpu: { service: 2, postgres: 0.5 },
  verdicts: [{ what: 'a | b', met: p99 <= 100, seen: `${p99} ms`, isCorrectness: false }],
});

/** How many fields a row of a table of Markdown has. */
const fieldsOf = (line: string) => line.replaceAll('\\|', '').split('|').length;

const REPORT: OverloadReport = {
  kind: 'overload',
  at: '2026-01-01T00:00:00Z',
  machine: 'a machine',
  database: 'a database',
  loadBefore: 1.25,
  options: { kinds: [], callers: [], seconds: 6, instances: 100_000, services: 20_000, large: 20_000, scenarios: [] },
  quiet: cell('nobody', 0, 8, 0),
  cells: [cell('large', 60, 400, 100)],
  scenarios: [{ name: 'paused', figures: { 'renewals lost': 0 }, verdicts: [] }],
};

describe('the table of the overload', () => {
  it('has a row for each cell after the quiet one, with times as multiples of that of the same run', () => {
    const { head, rows } = cellRows(REPORT);
    expect(rows.map(([name]) => name)).toEqual(['nobody', 'large × 60']);
    expect(rows[1]).toHaveLength(head.length);
    expect(rows[1]![1]).toBe('2 / 400 / 800; 50.0 × quiet; 4 waited at the end');
  });

  it('tells when the prober itself was late, since latencies are no more exact than that', () => {
    const late = { ...REPORT.quiet, probes: { ...REPORT.quiet.probes, ownDelay: 80 } };
    expect(cellRows({ ...REPORT, quiet: late }).rows.map(([name]) => name)).toEqual([
      'nobody; prober 80 ms late',
      'large × 60',
    ]);
  });

  it('shows heartbeats that were not answered by 204, and all that readers got', () => {
    const [, , , , refused, , answers] = cellRows(REPORT).rows[1]!;
    expect(refused).toBe('2 × 503 OVERLOADED');
    expect(answers).toBe('100 × 200; 7 × ECONNRESET; 3 × no answer yet');
  });

  it('divides the processor time by answers, not by broken connections, and by nothing where nobody asked', () => {
    const costs = cellRows(REPORT).rows.map(row => row[10]);
    expect(costs).toEqual(['–', '20000 / 5000']);
  });

  it('names what was missed', () => {
    expect(missed(REPORT.quiet.verdicts)).toBe('ok');
    expect(missed(REPORT.cells[0]!.verdicts)).toBe('MISSED: a | b: 400 ms');
    expect(overloadTable(REPORT)).toContain('renewals lost: 0');
  });

  it('is a table of Markdown in the documentation, whose cells no text ends early', () => {
    const text = overloadText(REPORT);
    expect(text).toContain('Measured 2026-01-01, a machine; a database: 100,000 instances in 20,000 services');
    const lines = text.split('\n').filter(line => line.startsWith('| '));
    expect(new Set(lines.slice(0, 4).map(fieldsOf)).size).toBe(1);
    expect(text).toContain('MISSED: a \\| b: 400 ms');
  });
});
