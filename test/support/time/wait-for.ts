import { setTimeout as delay } from 'node:timers/promises';

/**
 * How long (ms) a test waits for what must happen before it fails: long enough for a machine that is several times slower than
 * this service needs. Nobody waits so long where it happens.
 */
export const PATIENCE_MS = 180_000;

/** How long (ms) it rests between two looks: longer when it waits for long, since others need the machine. */
const FIRST_STEP_MS = 10;
const LAST_STEP_MS = 50;
const STEP_SHARE = 0.05;

/**
 * Waits until a condition holds, and fails with what it waited for when it does not within the time (ms).
 * @param explain tells how things are, for whoever reads of the failure
 */
export async function waitFor(
  what: string,
  condition: () => unknown,
  withinMs = PATIENCE_MS,
  explain: () => string | Promise<string> = () => '',
): Promise<void> {
  const begun = performance.now();
  while (!(await condition())) {
    const waitedMs = performance.now() - begun;
    if (waitedMs > withinMs) {
      throw new Error(`Waited ${Math.round(withinMs)} ms in vain for: ${what}. ${await explain()}`.trimEnd());
    }
    await delay(Math.min(LAST_STEP_MS, Math.max(FIRST_STEP_MS, STEP_SHARE * waitedMs)));
  }
}
