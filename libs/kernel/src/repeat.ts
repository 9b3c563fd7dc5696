import { setTimeout as delay } from 'node:timers/promises';

/** Which share of a pause chance may take away, where nothing else is said. */
const JITTER = 0.2;

/** How work comes again. */
export interface Repetition {
  /** The longest pause between two turns (ms), where a turn does not ask for another one. */
  readonly everyMs: number;
  /** Which share of that pause chance may take away: nodes that started together shall not work in step. */
  readonly jitter?: number;
  /** Ends it, also within a pause. */
  readonly signal: AbortSignal;
}

/**
 * Does something at once, and again after each pause, until the signal. It does not keep the process alive.
 * @param turn resolves to the pause (ms) that comes next, or to nothing for the usual one; if it rejects, so does this
 */
export async function repeat(
  turn: () => Promise<number | void>,
  { everyMs, jitter = JITTER, signal }: Repetition,
): Promise<void> {
  while (!signal.aborted) {
    const pauseMs = (await turn()) ?? everyMs * (1 - jitter * Math.random());
    await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
