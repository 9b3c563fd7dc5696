import { isoTime, query } from '@coordination/database';
import { RevisionCompactedError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LogCut, type LogCutRecord, oldestOf } from './log-cut.js';

const CUT_COLUMNS = `revision::float8 as revision, hash, epoch, ${isoTime('at')} as at, event_revision::float8 as "eventRevision"`;

const RECORD_COLUMNS = `${CUT_COLUMNS}, first_revision::float8 as "firstRevision", events::float8 as events,
  export_file as "exportFile", export_sha256 as "exportSha256", ${isoTime('made_at')} as "madeAt",
  ${isoTime('finished_at')} as "finishedAt"`;

/**
 * Where the log begins. A cut is noted first, and what lies before it goes when no snapshot is left that does not have the
 * note. So whoever reads the cut in the same transaction as the log, before or after it, sees either everything from a
 * revision on, or a cut that lies after it.
 */
export class LogCutRepository {
  /** The latest cut; undefined: the whole log is there. */
  async find(em: EntityManager): Promise<LogCut | undefined> {
    const [row] = await query<LogCut>(em, `select ${CUT_COLUMNS} from log_cut order by log_cut.revision desc limit 1`);
    return row;
  }

  /** Cuts with all that is known of them, the latest first. */
  async list(em: EntityManager, limit: number): Promise<LogCutRecord[]> {
    return await query<LogCutRecord>(
      em,
      `select ${RECORD_COLUMNS} from log_cut order by log_cut.revision desc limit $1`,
      [limit],
    );
  }

  /**
   * Makes sure that everything after a revision is there, and what the catalog was at it.
   * @throws RevisionCompactedError
   */
  async assertRetained(em: EntityManager, revision: number): Promise<void> {
    const oldest = oldestOf(await this.find(em));
    if (revision < oldest) throw new RevisionCompactedError(revision, oldest);
  }

  /** Whether the baseline has the state of an instance. */
  async hasInBaseline(em: EntityManager, instanceUuid: string): Promise<boolean> {
    const [row] = await query<{ found: boolean }>(
      em,
      'select exists (select from catalog_baseline where instance_uuid = $1 and after is not null) as found',
      [instanceUuid],
    );
    return row!.found;
  }
}
