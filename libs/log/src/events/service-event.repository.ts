import { columnsOf, query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { CATALOG_CHANNEL, type LockedHead, type LogEvent } from './log-event.js';
import { ServiceEvent } from './service-event.entity.js';

const EVENTS = columnsOf(ServiceEvent);

/**
 * The columns of the log as the properties of an {@link LogEvent}, ready to be returned as they are. Beside them,
 * `order by revision` would mean the converted one, for which there is no index: write `service_event.revision`.
 */
export const EVENT_COLUMNS = EVENTS.select();

/**
 * The CTE `appended`: inserts events if the CTE `head` has a row, and returns their revisions.
 * @param events SQL of the parameter with the events, as JSON
 */
export const appendedCte = (events: string): string => `
  appended as (
    insert into service_event (${EVENTS.names()})
    select ${EVENTS.values('e')}
    from head, jsonb_to_recordset(${events}) as e (${EVENTS.form()})
    returning revision
  )`;

/**
 * Events, head and notification in one statement: a batch costs the same round trips whatever its size. The head moves
 * only if it is still the one that was locked; otherwise nothing is inserted and the count tells.
 */
const APPEND = `
  with head as (
    update catalog_head set revision = $2, hash = $3, at = $4
    where id = 1 and revision = $5 and hash = $6 and fence = $7
    returning id
  ), ${appendedCte('$1')}
  select (select count(*)::int from appended) as appended, pg_notify('${CATALOG_CHANNEL}', $2::text)`;

/** The log. It is only ever appended to. */
export class ServiceEventRepository {
  /**
   * Appends chained events after the locked head, moves the head and tells the followers at commit.
   * @throws Error when the head is no longer the one that was locked
   */
  async append(em: EntityManager, head: LockedHead, events: readonly LogEvent[]): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    const [result] = await query<{ appended: number }>(em, APPEND, [
      JSON.stringify(events),
      last.revision,
      last.hash,
      last.at,
      head.revision,
      head.hash,
      head.fence,
    ]);
    if (result!.appended !== events.length) {
      throw new Error(`The head of the log is no longer at revision ${head.revision}, which was locked.`);
    }
  }

  /** The events after a revision, oldest first. */
  async findAfter(em: EntityManager, revision: number, limit: number): Promise<LogEvent[]> {
    return await query<LogEvent>(
      em,
      `select ${EVENT_COLUMNS} from service_event where revision > $1 order by service_event.revision limit $2`,
      [revision, limit],
    );
  }

  /**
   * What events of these revisions left of their instances; null: nothing. Of what was removed from the log, instances
   * that were left as they were are in the baseline.
   */
  async findAt(em: EntityManager, revisions: readonly number[]): Promise<Pick<LogEvent, 'revision' | 'after'>[]> {
    return await query(
      em,
      `select revision::float8 as revision, after from service_event where revision = any($1::bigint[])
       union all
       select revision::float8, after from catalog_baseline where revision = any($1::bigint[])`,
      [revisions],
    );
  }

  /** Whether a batch is in the log after a revision; the bound keeps the look-up to the log's end. */
  async hasBatchAfter(em: EntityManager, revision: number, batchId: string): Promise<boolean> {
    const [row] = await query<{ found: boolean }>(
      em,
      'select exists (select from service_event where revision > $1 and batch_id = $2) as found',
      [revision, batchId],
    );
    return row!.found;
  }

  /**
   * Makes sure that the log has partitions for a revision and well beyond it.
   * @returns the last revision that there is room for
   */
  async ensurePartitions(em: EntityManager, revision: number): Promise<number> {
    const [row] = await query<{ upto: number }>(em, 'select ensure_service_event_partitions($1)::float8 as upto', [
      revision,
    ]);
    return row!.upto;
  }
}
