import { type Databases } from '../connections/databases.js';
import { isoTime, query } from './query.js';
import { readStatement } from './read-statement.js';

/**
 * The time by the clock of the database (RFC 3339 in UTC): for times of callers that are compared with it later.
 * @throws StoreUnavailableError
 */
export async function databaseClock(databases: Databases): Promise<string> {
  const [row] = await readStatement(
    databases,
    em => query<{ now: string }>(em, `select ${isoTime('clock_timestamp()')} as now`),
    // Writes ask for it, and must not wait for reads.
    { purpose: 'upkeep' },
  );
  return row!.now;
}
