import { formatDatabaseUrl, parseDatabaseUrl } from '@coordination/config';
import { clientUnderLock } from '../locks/client-under-lock.js';
import { type DatabaseClient } from '../connections/database-client.js';
import { type SslMode } from '../servers/tls-demand.js';

/** Names the lock that those who make and drop databases queue at; an arbitrary number that nothing else uses. */
const ADMINISTRATION_LOCK = 8_081_202_606;

/**
 * Runs statements in the server's own database `postgres`: nobody can create or drop the one that he is in. One process at
 * a time does, so that those who make the same database at once do not get into each other's way.
 * @throws Error with a line for people when the server cannot be reached, does not answer, or breaks the connection
 */
export async function administer<T>(
  url: string,
  ssl: SslMode,
  work: (client: DatabaseClient) => Promise<T>,
): Promise<T> {
  const lock = {
    url: formatDatabaseUrl({ ...parseDatabaseUrl(url), database: 'postgres' }),
    ssl,
    key: ADMINISTRATION_LOCK,
    work: 'the change of databases',
    application: 'platform-coordination administration lock',
    clientApplication: 'platform-coordination administration',
  };
  return await clientUnderLock(lock, work);
}
