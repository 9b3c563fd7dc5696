import { StoreUnavailableError } from '@coordination/kernel';
import { AwakeTimer } from '@coordination/scheduling';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type Databases } from '../connections/databases.js';
import { busyError } from './busy-reads.js';
import { READ_TIMEOUT_MS, type ReadOptions, SILENCE_FACTOR } from './read.js';
import { withSilenceTimeout } from './silence-timeout.js';
import { mapStoreErrors } from '../errors/store-errors.js';

/**
 * Runs a read of one short statement outside any transaction: one round trip where `read` takes five. Nothing limits the
 * statement in the server, so the caller gets an error when time is up, not counting stalls of this process, and the connection
 * is given back a while later.
 * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
 * @throws OverloadedError when other reads of this node use all connections for reads
 */
export async function readStatement<T>(
  databases: Databases,
  work: (em: EntityManager) => Promise<T>,
  { purpose = 'reads', timeoutMs = READ_TIMEOUT_MS }: Omit<ReadOptions, 'settings'> = {},
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const beganMs = performance.now();
  const timer = new AwakeTimer(databases.stalls, timeoutMs, () => {
    // It may have waited for a connection for most of the time.
    const busy = busyError(databases, purpose, beganMs);
    if (busy) {
      late.reject(busy);
      return;
    }
    const error = new StoreUnavailableError({ cause: new Error(`No answer within ${timeoutMs} ms.`) });
    databases.troubles.failed(error);
    late.reject(error);
  });
  // A server that has vanished would be waited on for a quarter of an hour.
  const silenceMs = SILENCE_FACTOR * timeoutMs;
  const asked = mapStoreErrors(() =>
    withSilenceTimeout(databases, purpose, silenceMs, () => work(databases.em(purpose))),
  );
  // Avoids an unhandled rejection after the timeout has won the race.
  asked.catch(() => undefined);
  try {
    return await Promise.race([asked, late.promise]);
  } finally {
    timer.cancel();
  }
}
