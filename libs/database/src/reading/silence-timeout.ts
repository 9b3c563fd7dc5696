import { StoreUnavailableError } from '@coordination/kernel';
import { type Databases, type Purpose } from '../connections/databases.js';
import { DoubtfulCommitError } from './query.js';

/**
 * Does something on the connections of a purpose. Whenever nothing was heard for a time (ms), they are cut, so that
 * whoever waits on a server that does not answer gets an error. Again and again: a connection that was only being opened
 * the first time could not be cut then. What the database refuses is noted for `/health`.
 * @param work calls what it is given when the server has answered, if it asks more than once
 */
export async function withSilenceTimeout<T>(
  databases: Databases,
  purpose: Purpose,
  silenceMs: number,
  work: (heard: () => void) => Promise<T>,
): Promise<T> {
  const timer = setInterval(() => databases.sever(purpose), silenceMs);
  try {
    return await work(() => timer.refresh());
  } catch (error) {
    // What we refuse by ourselves, such as a history that is not settled, is no trouble of the database.
    const isOurs = error instanceof StoreUnavailableError && error.cause === undefined;
    if (!isOurs) databases.troubles.failed(error instanceof DoubtfulCommitError ? error.cause : error);
    throw error;
  } finally {
    clearInterval(timer);
  }
}
