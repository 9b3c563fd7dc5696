import { setTimeout as delay } from 'node:timers/promises';

/** How many calls may be under way: one that comes then is not made, and counts as an error. */
const MOST_UNDER_WAY = 200;

/** Counts what was done, and what was not answered as it should be. */
export class Tally {
  readonly done: Record<string, number> = {};
  readonly errors: Record<string, number> = {};

  note(what: string, times = 1): void {
    this.done[what] = (this.done[what] ?? 0) + times;
  }

  fail(what: string): void {
    this.errors[what] = (this.errors[what] ?? 0) + 1;
  }
}

/**
 * Calls something so many times a second until the time (performance.now()) is up, whatever each call takes; then waits
 * for those under way. What a call throws is counted.
 */
export async function pace(
  what: string,
  perSecond: number,
  until: number,
  tally: Tally,
  call: (n: number) => Promise<void>,
): Promise<void> {
  if (perSecond <= 0) return;
  const begun = performance.now();
  const underWay = new Set<Promise<void>>();
  for (let n = 0; ; n++) {
    const due = begun + (n * 1_000) / perSecond;
    if (due >= until) break;
    const pause = due - performance.now();
    if (pause > 0) await delay(pause);
    if (underWay.size >= MOST_UNDER_WAY) {
      tally.fail(`${what}: too slow`);
      continue;
    }
    const one = call(n)
      .then(() => tally.note(what))
      .catch((error: unknown) => tally.fail(`${what}: ${String(error).slice(0, 200)}`))
      .finally(() => underWay.delete(one));
    underWay.add(one);
  }
  await Promise.all(underWay);
}
