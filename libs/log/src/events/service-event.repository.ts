import { Injectable } from '@nestjs/common';
import { columnsOf, query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { CATALOG_CHANNEL, type LockedHead, type LogEvent } from './log-event.js';
import { ServiceEvent } from './service-event.entity.js';

const EVENTS = columnsOf(ServiceEvent);

/**
 * The columns of the log, selected as the properties of a {@link LogEvent}. In the same statement, `order by revision` would
 * mean the converted value, which has no index: write `order by service_event.revision`.
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
 * Inserts events, moves the head and notifies followers in one statement, so that every batch takes one round trip. If the
 * head is no longer the one that was locked, it is not moved and nothing is inserted; `appended` is 0 then.
 */
const APPEND = `
  with head as (
    update catalog_head set revision = $2, hash = $3, at = $4
    where id = 1 and revision = $5 and hash = $6 and fence = $7
    returning id
  ), ${appendedCte('$1')}
  select (select count(*)::int from appended) as appended, pg_notify('${CATALOG_CHANNEL}', $2::text)`;

/** Appends to the log and reads it by revision. */
@Injectable()
export class ServiceEventRepository {
  /**
   * Appends chained events after the locked head, and moves the head. PostgreSQL notifies followers at commit.
   * @param text the JSON text of the events
   * @throws Error when the head is no longer the one that was locked
   */
  async append(
    em: EntityManager,
    head: LockedHead,
    events: readonly LogEvent[],
    text = JSON.stringify(events),
  ): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    const [result] = await query<{ appended: number }>(em, APPEND, [
      text,
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
   * The instances as the events of these revisions left them; null: the instance was removed. If an event is no longer in the
   * log, the result has its revision only if the baseline has it.
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

  /** Whether the log has a batch after a revision. The bound limits the search to the end of the log. */
  async hasBatchAfter(em: EntityManager, revision: number, batchId: string): Promise<boolean> {
    const [row] = await query<{ found: boolean }>(
      em,
      'select exists (select from service_event where revision > $1 and batch_id = $2) as found',
      [revision, batchId],
    );
    return row!.found;
  }

  /**
   * Creates the partitions for a revision and well beyond it, where they are missing.
   * @returns the last revision that has a partition
   */
  async ensurePartitions(em: EntityManager, revision: number): Promise<number> {
    const [row] = await query<{ upto: number }>(em, 'select ensure_service_event_partitions($1)::float8 as upto', [
      revision,
    ]);
    return row!.upto;
  }
}
