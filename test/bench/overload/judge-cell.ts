import { countOf, sumOf } from './latencies.js';
import { type Answers, type CellResult, type LaneResult, type OverloadReport, type Verdict } from './report.js';

/** How long (ms) the slowest of a hundred heartbeats may take, beside one kind of readers and beside several at once. */
const P99_LIMIT_MS = 100;
const P99_LIMIT_AT_ONCE_MS = 200;

/** How long (ms) after the end of its lease a dead instance may keep its status. */
const DEAD_LIMIT_MS = 3_000;

const HEARTBEAT_DONE = '204';

/** Neither an answer nor an error: the prober still waits, or it was given up because it waited for too long. */
const NO_ANSWER = ['none', 'given up'];

/** What a node answers when its database is away, which it never is here. */
const isStoreUnavailable = (answer: string): boolean => answer.includes('STORE_UNAVAILABLE');

const isRefusal = (answer: string): boolean => answer !== HEARTBEAT_DONE && !NO_ANSWER.includes(answer);

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
    none('heartbeats refused', sumOf([kept.answers, onNew.answers]), isRefusal, false),
    none('/health/ready not 200', ready.answers, answer => answer !== '200' && !NO_ANSWER.includes(answer), false),
    ...judgeLeases(leases),
    none('STORE_UNAVAILABLE', all, isStoreUnavailable, true),
    ...(budgetMiB === undefined ? [] : [withinBudget(rssMiB, budgetMiB)]),
  ];
}

/** Judges what became of leases. */
export function judgeLeases({ deadLate, deadOpen, lost, ended, guards, roleMoves }: CellResult['leases']): Verdict[] {
  const count = (what: string, seen: number, isCorrectness: boolean): Verdict => ({
    what,
    met: seen === 0,
    seen: String(seen),
    isCorrectness,
  });
  const dead: Verdict = {
    what: `dead instances unhealthy within ${DEAD_LIMIT_MS / 1_000} s of the end of their lease`,
    met: deadOpen === 0 && deadLate <= DEAD_LIMIT_MS,
    seen: `${(deadLate / 1_000).toFixed(1)} s${deadOpen > 0 ? `, ${deadOpen} not yet` : ''}`,
    isCorrectness: false,
  };
  return [
    ...(Number.isNaN(deadLate) && deadOpen === 0 ? [] : [dead]),
    count('renewals lost', lost, true),
    count('instances ended that renewed', ended, true),
    none('guards', guards, () => true, true),
    count('role moves', roleMoves, false),
  ];
}

/** Judges the slowest of a hundred requests of a lane. */
export function fast(what: string, { p99, count }: LaneResult, limit: number): Verdict {
  const seen = count === 0 ? 'none was sent' : `${Math.round(p99)} ms`;
  return { what: `p99 of ${what} ≤ ${limit} ms`, met: p99 <= limit, seen, isCorrectness: false };
}

function none(what: string, answers: Answers, isMeant: (answer: string) => boolean, isCorrectness: boolean): Verdict {
  const meant = Object.entries(answers).filter(([answer]) => isMeant(answer));
  const seen = meant.map(([answer, count]) => `${count} × ${answer}`).join(', ');
  return { what: `no ${what}`, met: countOf(answers, isMeant) === 0, seen: seen || 'none', isCorrectness };
}

const withinBudget = (rssMiB: number, budgetMiB: number): Verdict => ({
  what: 'memory within the budget',
  met: rssMiB <= budgetMiB,
  seen: `${Math.round(rssMiB)} of ${Math.round(budgetMiB)} MiB`,
  isCorrectness: false,
});

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
