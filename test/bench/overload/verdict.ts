import { type Verdict } from './report.js';

/** A target that does not fail the run when it is missed: what is slow or refused. */
export const targetOf = (what: string, met: boolean, seen: string): Verdict => ({
  what,
  met,
  seen,
  isCorrectness: false,
});

/** What must not happen at all, however slow the machine is. */
export const neverOf = (what: string, count: number, seen = String(count)): Verdict => ({
  what,
  met: count === 0,
  seen,
  isCorrectness: true,
});
