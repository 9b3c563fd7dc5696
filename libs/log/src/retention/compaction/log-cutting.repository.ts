import { columnsOf, isoTime, query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LogPartition } from '../../partitions/log-partition.js';
import { LogCutRow } from '../log-cut.entity.js';
import { type NewLogCut } from '../log-cut.js';
import { type LastEvent } from './cut-plan.js';

const NEW_CUT = columnsOf(LogCutRow).without('finishedAt');

const NOTE = `
  insert into log_cut (${NEW_CUT.names()})
  select ${NEW_CUT.values('c', { madeAt: 'clock_timestamp()' })}
  from jsonb_to_recordset($1) as c (${NEW_CUT.without('madeAt').form()})`;

/** A cut that has been noted, and of which something is still there. */
export interface UnfinishedCut {
  readonly revision: number;
  readonly partitions: readonly string[];
}

/** Who asks, and what he may do. */
export interface CutterRights {
  readonly role: string;
  /** Whether the tables of the log are his, or those of a role that he is a member of. */
  readonly owns: boolean;
}

/** What removing the beginning of the log needs of its tables, for the role of the maintenance alone. */
export class LogCuttingRepository {
  async rights(em: EntityManager): Promise<CutterRights> {
    const [row] = await query<CutterRights>(
      em,
      `select current_user::text as role, pg_has_role(c.relowner, 'usage') as owns
       from pg_class c where c.oid = 'service_event'::regclass`,
    );
    return row!;
  }

  /**
   * From which time on events stay: so many days back, and in any case from the time of the oldest answer under an
   * Idempotency-Key, which is told from the log.
   */
  async keptFrom(em: EntityManager, days: number): Promise<string> {
    const [row] = await query<{ at: string }>(
      em,
      `select ${isoTime(
        `date_trunc('milliseconds', least(now() - make_interval(secs => $1::float8), (select min(at) from idempotency_key)))`,
      )} as at`,
      [days * 86_400],
    );
    return row!.at;
  }

  async lastIn(em: EntityManager, { from, before }: LogPartition): Promise<LastEvent | undefined> {
    const [row] = await query<LastEvent>(
      em,
      `select revision::float8 as revision, hash, ${isoTime('at')} as at from service_event
       where revision >= $1 and revision < $2 order by service_event.revision desc limit 1`,
      [from, before],
    );
    return row;
  }

  /** Notes a cut. Whatever is left out from then on lies before it. */
  async note(em: EntityManager, cut: NewLogCut): Promise<void> {
    await query(em, NOTE, [JSON.stringify([cut])]);
  }

  /** Cuts of which something is still there, the oldest first. */
  async unfinished(em: EntityManager): Promise<UnfinishedCut[]> {
    return await query<UnfinishedCut>(
      em,
      `select revision::float8 as revision, partitions from log_cut where finished_at is null order by log_cut.revision`,
    );
  }

  async finish(em: EntityManager, revision: number): Promise<void> {
    await query(em, 'update log_cut set finished_at = clock_timestamp() where revision = $1', [revision]);
  }
}
