import { answersText, countOf, sumOf } from './latencies.js';
import { type Answers, type CellResult, type LaneResult, type OverloadReport, type Verdict } from './report.js';
import { neverOf, targetOf } from './verdict.js';

/** How long (ms) the slowest of a hundred heartbeats may take, beside one kind of readers and beside several at once. */
const P99_LIMIT_MS = 100;
const P99_LIMIT_AT_ONCE_MS = 200;

/** How long (ms) after the end of its lease a dead instance may keep its status. */
const DEAD_LIMIT_MS = 3_000;

const HEARTBEAT_DONE = '204';

/** Neither an answer nor an error: the prober still waits, or it was given up because it waited for too long. */
const NO_ANSWER = new Set(['none', 'given up']);

/** What a node answers when its database is away, which it never is here. */
const isStoreUnavailable = (answer: string): boolean => answer.includes('STORE_UNAVAILABLE');

const isRefusal = (answer: string): boolean => answer !== HEARTBEAT_DONE && !NO_ANSWER.has(answer);

/** Judges what heartbeats, readers and leases saw beside readers. */
export function judgeCell(cell: Omit<CellResult, 'verdicts'>): Verdict[] {
  const { probes, readers, leases, rssMiB, budgetMiB } = cell;
  const { kept, new: onNew, ready } = probes.lanes;
  const limit = cell.kindsAtOnce > 1 ? P99_LIMIT_AT_ONCE_MS : P99_LIMIT_MS;
  const all = sumOf([...Object.values(probes.lanes), ...readers].map(({ answers }) => answers));
  return [
    fast('heartbeats on kept connections', kept, limit),
    fast('heartbeats on new connections', onNew, limit),
    fast('/health/ready', ready, limit),
    without('no heartbeat refused', sumOf([kept.answers, onNew.answers]), isRefusal),
    without('/health/ready always 200', ready.answers, answer => answer !== '200' && !NO_ANSWER.has(answer)),
    ...judgeLeases(leases),
    neverOf('STORE_UNAVAILABLE', countOf(all, isStoreUnavailable)),
    ...(budgetMiB === undefined ? [] : [withinBudget(rssMiB, budgetMiB)]),
  ];
}

/** Judges what became of leases. */
function judgeLeases({ deadLate, deadOpen, lost, ended, guards, roleMoves }: CellResult['leases']): Verdict[] {
  const dead = targetOf(
    `dead instances unhealthy within ${DEAD_LIMIT_MS / 1_000} s of the end of their lease`,
    deadOpen === 0 && deadLate <= DEAD_LIMIT_MS,
    `${(deadLate / 1_000).toFixed(1)} s${deadOpen > 0 ? `, ${deadOpen} not yet` : ''}`,
  );
  const began = countOf(guards, () => true);
  return [
    ...(Number.isNaN(deadLate) && deadOpen === 0 ? [] : [dead]),
    neverOf('renewals lost', lost),
    neverOf('instances ended that renewed', ended),
    neverOf('guards began', began, answersText(guards)),
    targetOf('no role moves', roleMoves === 0, String(roleMoves)),
  ];
}

/** Judges the slowest of a hundred requests of a lane. */
export const fast = (what: string, { p99, count }: LaneResult, limit: number): Verdict =>
  targetOf(`p99 of ${what} ≤ ${limit} ms`, p99 <= limit, count === 0 ? 'none was sent' : `${Math.round(p99)} ms`);

/** Judges that no answer is of a kind. */
function without(what: string, answers: Answers, isMeant: (answer: string) => boolean): Verdict {
  const meant = Object.fromEntries(Object.entries(answers).filter(([answer]) => isMeant(answer)));
  return targetOf(what, Object.keys(meant).length === 0, answersText(meant));
}

/** Correctness that was missed: what a run fails for. Missed times do not, since they depend on the machine. */
export function failuresOf({ quiet, cells, scenarios }: OverloadReport): string[] {
  const named = [
    ...[quiet, ...cells].map(({ name, callers, verdicts }) => ({ name: `${name} × ${callers}`, verdicts })),
    ...scenarios,
  ];
  return named.flatMap(({ name, verdicts }) =>
    verdicts
      .filter(({ met, isCorrectness }) => isCorrectness && !met)
      .map(({ what, seen }) => `overload, ${name}: ${what}: ${seen}`),
  );
}

const withinBudget = (rssMiB: number, budgetMiB: number): Verdict =>
  targetOf('memory within the budget', rssMiB <= budgetMiB, `${Math.round(rssMiB)} of ${Math.round(budgetMiB)} MiB`);
