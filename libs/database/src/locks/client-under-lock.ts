import { DatabaseClient } from '../connections/database-client.js';
import { pgOptions } from '../connections/pg-options.js';
import { shortLived } from '../connections/short-lived.js';
import { ConnectionLostError, type LockOptions, underLock } from './under-lock.js';

const CONNECT_TIMEOUT_MS = 5_000;

/** A lock, and what the connection calls itself that the work is done on. */
export interface ClientUnderLockOptions extends LockOptions {
  readonly clientApplication: string;
}

/**
 * Does something under a lock, on a connection whose statements may take as long as they like: with the lock it is cut, and
 * nothing of it is left on the server.
 * @param work gets a signal that is aborted when the lock or the connection is lost; it must end soon then
 * @throws ConnectionLostError when the lock or the connection was lost before the work had ended
 */
export async function clientUnderLock<T>(
  options: ClientUnderLockOptions,
  work: (client: DatabaseClient, stop: AbortSignal) => Promise<T>,
): Promise<T> {
  return await underLock(options, async lost => {
    const client = new DatabaseClient({
      ...pgOptions(options.url, options.ssl),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      application_name: options.clientApplication,
    });
    const broken = new AbortController();
    const told = (reason: string) =>
      broken.abort(
        new ConnectionLostError(
          `The connection of ${options.work} was lost (${reason.replace(/\.$/, '')}), so ${options.work} was stopped.`,
        ),
      );
    const stop = AbortSignal.any([lost, broken.signal]);
    stop.addEventListener('abort', () => client.destroy());
    try {
      await client.connect();
      shortLived(client);
      client.on('error', error => told(error.message));
      client.on('end', () => told('it was closed'));
      return await work(client, stop);
    } catch (error) {
      // A server says so before it ends the session.
      if ((error as { readonly severity?: unknown }).severity === 'FATAL') told((error as Error).message);
      // What failed for want of the connection says less.
      throw stop.aborted ? stop.reason : error;
    } finally {
      await client.end();
    }
  });
}
