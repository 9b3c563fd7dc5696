import { setTimeout as delay } from 'node:timers/promises';

const STEP_MS = 10;

/** Waits until a condition holds, and fails with what it waited for when it does not within the time (ms). */
export async function waitFor(what: string, condition: () => unknown, withinMs = 20_000): Promise<void> {
  const until = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`Waited ${withinMs} ms in vain for: ${what}.`);
    await delay(STEP_MS);
  }
}
