import {
  clientUnderLock,
  ConnectionLostError,
  Databases,
  isStoreUnavailable,
  type SslMode,
} from '@coordination/database';
import { type Client } from 'pg';
import { CatalogHeadRepository } from './head/catalog-head.repository.js';
import { LOG_ENTITIES } from './entities.js';
import { ServiceEventRepository } from './events/service-event.repository.js';
import { type CompactionOptions, LogCompaction } from './retention/compaction/log-compaction.js';
import { LogCuttingRepository } from './retention/compaction/log-cutting.repository.js';

/** Names the lock that keeps two of them from running at once; an arbitrary number that nothing else in the database uses. */
const COMPACTION_LOCK = 8_081_202_605;

/** How often (ms) connections are cut once the lock is lost, until the compaction has ended. */
const CUT_EVERY_MS = 500;

const GOES_ON = 'What was not done yet is done the next time: run this again.';

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
  const lock = {
    url,
    ssl,
    key: COMPACTION_LOCK,
    work: 'the compaction',
    application: 'platform-coordination compaction lock',
    clientApplication: 'platform-coordination compaction',
    refusal: 'A compaction is running already. Wait until it has ended.',
  };
  try {
    await clientUnderLock(lock, async (client, signal) => {
      const databases = await Databases.open({ url, ssl, poolMax: 1, entities: LOG_ENTITIES });
      const cutting = setInterval(() => signal.aborted && databases.severAll(), CUT_EVERY_MS);
      try {
        await assertReady(client, databases);
        const tools = {
          databases,
          client,
          heads: new CatalogHeadRepository(),
          events: new ServiceEventRepository(),
          say,
          signal,
        };
        await new LogCompaction(tools).run(options);
      } finally {
        clearInterval(cutting);
        await databases.close();
      }
    });
  } catch (error) {
    if (!isStoreUnavailable(error) && !(error instanceof ConnectionLostError)) throw error;
    throw new Error(`${(error as Error).message} ${GOES_ON}`, { cause: error });
  }
}

async function assertReady(client: Client, databases: Databases): Promise<void> {
  const { rows } = await client.query<{ migrated: boolean }>(`select to_regclass('log_cut') is not null as migrated`);
  if (!rows[0]!.migrated) throw new Error('The database lacks tables of this version: run `npm run migrate` first.');
  const { role, owns } = await new LogCuttingRepository().rights(databases.em('writer'));
  if (owns) return;
  throw new Error(
    `The role ${role} may not remove anything from the log. It takes the role of the maintenance, which is a member of ` +
      'the one that owns the tables: see migrations/roles.sql.',
  );
}
