import { DatabaseClient, Databases, pgOptions, type SslMode } from '@coordination/database';
import { type Client } from 'pg';
import { CatalogHeadRepository } from '../../catalog-head.repository.js';
import { AUDIT_ENTITIES } from '../../entities.js';
import { ServiceEventRepository } from '../../service-event.repository.js';
import { type CompactionOptions, LogCompaction } from './log-compaction.js';
import { LogCuttingRepository } from './log-cutting.repository.js';

/** Names the lock that keeps two of them from running at once; an arbitrary number that nothing else in the database uses. */
const COMPACTION_LOCK = 8_081_202_605;

const CONNECT_TIMEOUT_MS = 5_000;

/** Where it is done. */
export interface CompactionTarget {
  /** Of the role of the maintenance. A connection of its own each, past poolers. */
  readonly url: string;
  readonly ssl: SslMode;
}

/**
 * Removes what is older than the retention from the beginning of the log, partition by partition. `docs/operations.md`,
 * "The log at length", tells how to use it.
 * @param say is told each step when it is done
 * @throws Error with a line for people
 */
export async function compactLog(
  { url, ssl }: CompactionTarget,
  options: CompactionOptions,
  say: (line: string) => void,
): Promise<void> {
  const client = new DatabaseClient({
    ...pgOptions(url, ssl),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'platform-coordination compaction',
  });
  // A dropped connection rejects the query in flight; without a listener it would also end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const databases = await Databases.open({ url, ssl, poolMax: 1, entities: AUDIT_ENTITIES });
    try {
      await assertReady(client, databases);
      const tools = {
        databases,
        client,
        heads: new CatalogHeadRepository(),
        events: new ServiceEventRepository(),
        say,
      };
      await new LogCompaction(tools).run(options);
    } finally {
      await databases.close();
    }
  } finally {
    await client.end();
  }
}

async function assertReady(client: Client, databases: Databases): Promise<void> {
  const { rows } = await client.query<{ taken: boolean; migrated: boolean }>(
    `select pg_try_advisory_lock($1) as taken, to_regclass('log_cut') is not null as migrated`,
    [COMPACTION_LOCK],
  );
  if (!rows[0]!.migrated) throw new Error('The database lacks tables of this version: run `npm run migrate` first.');
  if (!rows[0]!.taken) throw new Error('A compaction is running already. Wait until it has ended.');
  const { role, owns } = await new LogCuttingRepository().rights(databases.em('writer'));
  if (owns) return;
  throw new Error(
    `The role ${role} may not remove anything from the log. It takes the role of the maintenance, which is a member of ` +
      'the one that owns the tables: see migrations/roles.sql.',
  );
}
