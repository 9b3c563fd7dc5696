import { columnsOf, isoTime, query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LogPartition } from '../../partitions/log-partition.js';
import { LogCutRow } from '../log-cut.entity.js';
import { type NewLogCut } from '../log-cut.js';
import { type LastEvent } from './cut-plan.js';

const NEW_CUT = columnsOf(LogCutRow).without('finishedAt');

const INSERT_CUT = `
  insert into log_cut (${NEW_CUT.names()})
  select ${NEW_CUT.values('c', { madeAt: 'clock_timestamp()' })}
  from jsonb_to_recordset($1) as c (${NEW_CUT.without('madeAt').form()})`;

/** A recorded cut whose tables have not all been removed yet. */
export interface UnfinishedCut {
  readonly revision: number;
  readonly partitions: readonly string[];
}

/** The current role, and whether it may change the tables of the log. */
export interface MaintenanceRights {
  readonly role: string;
  /** Whether the role owns the tables of the log, or is a member of their owner. */
  readonly isOwner: boolean;
}

/** The SQL of compaction, which only the maintenance role may run. */
export class LogCuttingRepository {
  async rights(em: EntityManager): Promise<MaintenanceRights> {
    const [row] = await query<MaintenanceRights>(
      em,
      `select current_user::text as role, pg_has_role(c.relowner, 'usage') as "isOwner"
       from pg_class c where c.oid = 'service_event'::regclass`,
    );
    return row!;
  }

  /**
   * The time from which on events are retained: so many days ago, or earlier if an older response is stored under an
   * Idempotency-Key, since responses are built from the log.
   */
  async retainedFrom(em: EntityManager, days: number): Promise<string> {
    const [row] = await query<{ at: string }>(
      em,
      `select ${isoTime(
        `date_trunc('milliseconds', least(now() - make_interval(secs => $1::float8), (select min(at) from idempotency_key)))`,
      )} as at`,
      [days * 86_400],
    );
    return row!.at;
  }

  /** The newest event of a partition; undefined: it is empty. */
  async lastIn(em: EntityManager, { from, before }: LogPartition): Promise<LastEvent | undefined> {
    const [row] = await query<LastEvent>(
      em,
      `select revision::float8 as revision, hash, ${isoTime('at')} as at from service_event
       where revision >= $1 and revision < $2 order by service_event.revision desc limit 1`,
      [from, before],
    );
    return row;
  }

  /** Records a cut. From the commit on, the log begins after it. */
  async record(em: EntityManager, cut: NewLogCut): Promise<void> {
    await query(em, INSERT_CUT, [JSON.stringify([cut])]);
  }

  /** Cuts whose tables have not all been removed yet, the oldest first. */
  async unfinished(em: EntityManager): Promise<UnfinishedCut[]> {
    return await query<UnfinishedCut>(
      em,
      `select revision::float8 as revision, partitions from log_cut where finished_at is null order by log_cut.revision`,
    );
  }

  /** Records that all tables of a cut have been removed. */
  async finish(em: EntityManager, revision: number): Promise<void> {
    await query(em, 'update log_cut set finished_at = clock_timestamp() where revision = $1', [revision]);
  }
}
