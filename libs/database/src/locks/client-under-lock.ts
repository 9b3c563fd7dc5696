import { DatabaseClient } from '../connections/database-client.js';
import { pgOptions } from '../connections/pg-options.js';
import { shortLived } from '../connections/short-lived.js';
import { ConnectionLostError, type LockOptions, underLock } from './under-lock.js';

const CONNECT_TIMEOUT_MS = 5_000;

/** A lock, and the application name of the connection for the work. */
export interface ClientUnderLockOptions extends LockOptions {
  readonly clientApplication: string;
}

/**
 * Runs work under a lock, on a connection whose statements have no time limit: when the lock is lost, the connection is cut,
 * and nothing of it is left on the server.
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
    const abort = (reason: string) =>
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
      client.on('error', error => abort(error.message));
      client.on('end', () => abort('it was closed'));
      return await work(client, stop);
    } catch (error) {
      // A server reports this before it ends the session.
      if ((error as { readonly severity?: unknown }).severity === 'FATAL') abort((error as Error).message);
      // The error of the work, which lacked its connection, says less.
      throw stop.aborted ? stop.reason : error;
    } finally {
      await client.end();
    }
  });
}
