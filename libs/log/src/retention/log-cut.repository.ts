import { Injectable } from '@nestjs/common';
import { columnsOf, query } from '@coordination/database';
import { RevisionCompactedError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type InstanceRef } from '../events/instance-ref.js';
import { LogCutRow } from './log-cut.entity.js';
import { type LogCut, type LogCutRecord, oldestOf } from './log-cut.js';

const CUTS = columnsOf(LogCutRow);
const CUT_COLUMNS = CUTS.only('revision', 'hash', 'epoch', 'at', 'eventRevision').select();
const RECORD_COLUMNS = CUTS.without('gaps', 'partitions').select();

/** The last state of an instance in the baseline. */
export interface LastAtCut {
  /** The revision of its last event up to the cut. */
  readonly revision: number;
  /** Whether the instance existed after that event. */
  readonly exists: boolean;
}

/**
 * Reads the cuts, which determine where the log begins. Compaction records a cut first, and removes events only when no
 * snapshot from before the record is in use. So a transaction that reads the cut and the log, in either order, sees either
 * all events from a revision on, or a cut that lies after this revision.
 */
@Injectable()
export class LogCutRepository {
  /** The latest cut; undefined: the log is complete. */
  async find(em: EntityManager): Promise<LogCut | undefined> {
    const [row] = await query<LogCut>(em, `select ${CUT_COLUMNS} from log_cut order by log_cut.revision desc limit 1`);
    return row;
  }

  /** The records of cuts, the latest first. */
  async list(em: EntityManager, limit: number): Promise<LogCutRecord[]> {
    return await query<LogCutRecord>(
      em,
      `select ${RECORD_COLUMNS} from log_cut order by log_cut.revision desc limit $1`,
      [limit],
    );
  }

  /**
   * Verifies that all events after a revision are retained, and the state of the catalog at it.
   * @throws RevisionCompactedError
   */
  async assertRetained(em: EntityManager, revision: number): Promise<void> {
    const oldest = oldestOf(await this.find(em));
    if (revision < oldest) throw new RevisionCompactedError(revision, oldest);
  }

  /** The last state of the instances in the baseline, which has only some of those that had been removed before the cut. */
  async findInBaseline(em: EntityManager, ref: InstanceRef): Promise<LastAtCut | undefined> {
    const [condition, parameters] =
      'id' in ref
        ? ['instance_uuid = $1', [ref.id]]
        : [
            '(namespace, service, instance_id) = ($1, $2, $3)',
            [ref.name.namespace, ref.name.service, ref.name.instanceId],
          ];
    const [row] = await query<LastAtCut>(
      em,
      `select revision::float8 as revision, after is not null as "exists" from catalog_baseline
       where ${condition} order by catalog_baseline.revision desc limit 1`,
      parameters,
    );
    return row;
  }
}
