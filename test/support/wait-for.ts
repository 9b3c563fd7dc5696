import { setTimeout as delay } from 'node:timers/promises';

const STEP_MS = 10;

/**
 * Waits until a condition holds, and fails with what it waited for when it does not within the time (ms).
 * @param explain tells how things are, for whoever reads of the failure
 */
export async function waitFor(
  what: string,
  condition: () => unknown,
  withinMs = 20_000,
  explain: () => string | Promise<string> = () => '',
): Promise<void> {
  const until = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > until) {
      throw new Error(`Waited ${Math.round(withinMs)} ms in vain for: ${what}. ${await explain()}`.trimEnd());
    }
    await delay(STEP_MS);
  }
}
