import { columnsOf, query } from '@coordination/database';
import { RevisionCompactedError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type NamedPast } from '../events/named-past.js';
import { LogCutRow } from './log-cut.entity.js';
import { type LogCut, type LogCutRecord, oldestOf } from './log-cut.js';

const CUTS = columnsOf(LogCutRow);
const CUT_COLUMNS = CUTS.only('revision', 'hash', 'epoch', 'at', 'eventRevision').select();
const RECORD_COLUMNS = CUTS.without('gaps', 'partitions').select();

/** What the baseline tells of an instance. */
export interface LastAtCut {
  /** The revision of its last event up to the cut. */
  readonly revision: number;
  /** Whether it was there after that. */
  readonly isThere: boolean;
}

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

  /** The last of an instance, or of a name, that the baseline has; it has only some of those that were gone by then. */
  async findInBaseline(em: EntityManager, past: NamedPast): Promise<LastAtCut | undefined> {
    const [condition, parameters] =
      'id' in past
        ? ['instance_uuid = $1', [past.id]]
        : [
            '(namespace, service, instance_id) = ($1, $2, $3)',
            [past.name.namespace, past.name.service, past.name.instanceId],
          ];
    const [row] = await query<LastAtCut>(
      em,
      `select revision::float8 as revision, after is not null as "isThere" from catalog_baseline
       where ${condition} order by catalog_baseline.revision desc limit 1`,
      parameters,
    );
    return row;
  }
}
