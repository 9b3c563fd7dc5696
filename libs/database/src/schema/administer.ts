import { formatDatabaseUrl, parseDatabaseUrl } from '@coordination/config';
import { clientUnderLock } from '../locks/client-under-lock.js';
import { type DatabaseClient } from '../connections/database-client.js';
import { type SslMode } from '../servers/tls-demand.js';

/** Key of the lock for creating and dropping databases; an arbitrary number that nothing else uses. */
const ADMINISTRATION_LOCK = 8_081_202_606;

/**
 * Runs statements in the server's own database `postgres`: a session cannot create or drop the database that it uses. One
 * process at a time does so, because processes that create the same database at the same time would fail each other.
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
