import { setTimeout as delay } from 'node:timers/promises';

/** The default of {@link Repetition.jitter}. */
const JITTER = 0.2;

/** How work is repeated. */
export interface Repetition {
  /** The longest pause between two turns (ms), unless a turn returns another one. */
  readonly everyMs: number;
  /** The share of the pause that is random, so that nodes that started together do not work in step. */
  readonly jitter?: number;
  /** Ends the repetition, also within a pause. */
  readonly signal: AbortSignal;
}

/**
 * Does a turn at once, and another one after each pause, until the signal. It does not keep the process alive.
 * @param turn resolves to the next pause (ms), or to nothing for the usual one; if it rejects, so does `repeat`
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
