import { OverloadedError } from '@coordination/kernel';
import { retryAfterSeconds } from '@coordination/scheduling';
import { type Databases, type Purpose } from '../connections/databases.js';

/** What `pg` reports when a caller got no connection of a pool in time. */
const NO_CONNECTION = /timeout exceeded when trying to connect$/;

/**
 * The error for a read that found all connections for reads in use; undefined if the reason is another one, such as a server
 * that does not answer. Without it, callers would be informed of an outage of the database that there is not.
 * @param sinceMs when the read began, by `performance.now()`
 */
export function busyError(databases: Databases, purpose: Purpose, sinceMs: number): OverloadedError | undefined {
  if (purpose !== 'reads' || !databases.isBusy(purpose, sinceMs)) return undefined;
  const { waiting = 0 } = databases.use().find(use => use.purpose === purpose) ?? {};
  return new OverloadedError(retryAfterSeconds(waiting, Math.random()));
}

/** Whether a caller got no connection of a pool in time. */
export const isWithoutConnection = (error: unknown): boolean =>
  error instanceof Error && NO_CONNECTION.test(error.message);
