import { vi } from 'vitest';
import { PATIENCE_MS } from './wait-for.js';

/** Repeats an expectation until it is met, as {@link waitFor} does a condition; gives what it gave. */
export const eventually = <T>(expectation: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(expectation, { timeout: PATIENCE_MS, interval: 20 });
