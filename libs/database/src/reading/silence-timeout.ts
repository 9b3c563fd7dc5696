import { StoreUnavailableError } from '@coordination/kernel';
import { AwakeTimer } from '@coordination/scheduling';
import { type Databases, type Purpose } from '../connections/databases.js';
import { busyError, isWithoutConnection } from './busy-reads.js';
import { DoubtfulCommitError } from './query.js';

/**
 * Runs work on the connections of a purpose. Whenever the server has not answered for a time (ms), they are cut, so that
 * callers that wait for it get an error. Stalls of this process do not count: an answer that has arrived meanwhile is read
 * first. The cut is repeated: a connection that was still being opened the first time could not be cut then. Errors of the
 * database are recorded for `/health`.
 * @throws OverloadedError when other reads of this node use all connections for reads
 * @param work calls its argument each time that the server has answered, if it sends several statements
 */
export async function withSilenceTimeout<T>(
  databases: Databases,
  purpose: Purpose,
  silenceMs: number,
  work: (onAnswer: () => void) => Promise<T>,
): Promise<T> {
  const beganMs = performance.now();
  const timer = new AwakeTimer(databases.stalls, silenceMs, () => {
    databases.sever(purpose);
    timer.restart();
  });
  try {
    return await work(() => timer.restart());
  } catch (error) {
    const busy = isWithoutConnection(error) ? busyError(databases, purpose, beganMs) : undefined;
    if (busy) throw busy;
    // An error of this service, such as a history that is not settled, does not concern the database.
    const isOurs = error instanceof StoreUnavailableError && error.cause === undefined;
    if (!isOurs) databases.troubles.failed(error instanceof DoubtfulCommitError ? error.cause : error);
    throw error;
  } finally {
    timer.cancel();
  }
}
