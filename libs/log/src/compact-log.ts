import {
  clientUnderLock,
  ConnectionLostError,
  Databases,
  isStoreUnavailable,
  type SslMode,
} from '@coordination/database';
import { errorText } from '@coordination/kernel';
import { type Client } from 'pg';
import { LOG_ENTITIES } from './entities.js';
import { type CompactionOptions, LogCompaction } from './retention/compaction/log-compaction.js';
import { LogCuttingRepository } from './retention/compaction/log-cutting.repository.js';

/** Key of the lock that prevents two compactions at once; an arbitrary number that nothing else in the database uses. */
const COMPACTION_LOCK = 8_081_202_605;

/** How often (ms) connections are closed once the lock is lost, until the compaction has ended. */
const SEVER_EVERY_MS = 500;

const CONTINUE = 'Run the command again: it continues where it stopped.';

/** The database whose log is compacted. */
export interface CompactionTarget {
  /** Has the maintenance role. It must not lead through a pooler, since sessions hold locks. */
  readonly url: string;
  readonly ssl: SslMode;
}

/**
 * Removes the events that are older than the retention period from the beginning of the log, partition by partition.
 * `docs/operations.md`, "The log at length", describes its use.
 * @param say receives a line for each completed step
 * @throws Error with a message for the operator
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
    refusal: 'A compaction is already running. Wait until it has ended.',
  };
  try {
    await clientUnderLock(lock, async (client, signal) => {
      const databases = await Databases.open({ url, ssl, poolMax: 1, entities: LOG_ENTITIES });
      const severing = setInterval(() => signal.aborted && databases.severAll(), SEVER_EVERY_MS);
      try {
        await assertReady(client, databases);
        await new LogCompaction(databases, client, say, signal).run(options);
      } finally {
        clearInterval(severing);
        await databases.close();
      }
    });
  } catch (error) {
    if (!isStoreUnavailable(error) && !(error instanceof ConnectionLostError)) throw error;
    throw new Error(`${errorText(error)} ${CONTINUE}`, { cause: error });
  }
}

async function assertReady(client: Client, databases: Databases): Promise<void> {
  const { rows } = await client.query<{ migrated: boolean }>(`select to_regclass('log_cut') is not null as migrated`);
  if (!rows[0]!.migrated) throw new Error('The database lacks tables of this version: run `npm run migrate` first.');
  const { role, isOwner } = await new LogCuttingRepository().rights(databases.em('writer'));
  if (isOwner) return;
  throw new Error(
    `The role ${role} may not remove anything from the log. Use the maintenance role, which is a member of the role that ` +
      'owns the tables: see migrations/roles.sql.',
  );
}
