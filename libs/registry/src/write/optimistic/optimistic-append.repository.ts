import { appendedCte, CATALOG_CHANNEL } from '@coordination/log';
import { autocommit, Databases, isoTime, withSilenceTimeout } from '@coordination/database';
import { Inject, Injectable } from '@nestjs/common';
import { CHANGE_FORM, savingCtes, TOUCH_FORM } from '../../store/service-instance.repository.js';
import { type PlacedPlan } from '../batch-plan.js';
import { batchLimitMs, writeSettings, type WriteSettings } from '../write-settings.js';

/**
 * By how much (ms) the clock that a batch was decided by may lag behind, because the answer that it is from took time, and so
 * does this statement. A clock that was set forward by less makes the leases of one batch that much shorter.
 */
const CLOCK_LAG_MS = 2_000;

/**
 * A whole batch in one autocommit statement: the head is locked only while it runs, and for no round trip. The head moves, and
 * the rest happens, only if every assumption holds: the revision, hash, epoch, fence and server of the head, the versions of
 * all instances that are changed, a time of the log that no event is later than and that the clock or an event has reached,
 * and a correct clock, because it dates leases.
 */
const APPEND_IF_UNCHANGED = `
  with given as materialized (
    select * from jsonb_to_recordset($1) as c ${CHANGE_FORM}
  ), limits as materialized (
    select set_config('lock_timeout', $11, true)
  ), head as (
    update catalog_head h set revision = $4, hash = $5, at = $6
    from limits, catalog_server() s
    where h.id = 1 and h.revision = $7 and h.hash = $8 and h.epoch = $9 and h.fence = $10
      and h.system_identifier = s.system_identifier and h.timeline = s.timeline
      and h.at <= $6 and (h.settled_at is null or h.settled_at <= $6)
      and $6 <= greatest(h.at, h.settled_at, clock_timestamp() + interval '1 millisecond')
      and $12::timestamptz between clock_timestamp() - interval '${CLOCK_LAG_MS} milliseconds'
        and clock_timestamp() + interval '1 millisecond'
      and not exists (
        select from given c
        where c.op <> 'insert' and not exists (
          select from service_instance i where i.id = c.id and i.version = c."expectedVersion"))
    returning h.id
  ), change as (
    select given.* from given, head
  ), ${savingCtes(`head, jsonb_to_recordset($2) as t ${TOUCH_FORM}`)}, ${appendedCte('$3')}
  select ${isoTime('clock_timestamp()')} as clock, pg_notify('${CATALOG_CHANNEL}', $4::text) from head`;

/** Appends batches that were decided on the cached catalog. */
@Injectable()
export class OptimisticAppendRepository {
  constructor(
    private readonly databases: Databases,
    @Inject(writeSettings) private readonly settings: WriteSettings,
  ) {}

  /**
   * Appends a plan that has events, and writes its changes. It waits while another transaction has locked the head, for twice as
   * long as a node that hangs may hold it.
   * @returns the clock of the database meanwhile (RFC 3339 in UTC); undefined: an assumption did not hold, and nothing
   * happened
   * @throws DoubtfulCommitError when it is not known whether it was appended; with any other error it was not
   */
  async append({ head, plan, texts }: PlacedPlan): Promise<string | undefined> {
    const { databases, settings } = this;
    const last = plan.events.at(-1)!;
    const parameters = [
      texts.changes,
      texts.touches,
      texts.events,
      last.revision,
      last.hash,
      last.at,
      head.revision,
      head.hash,
      head.epoch,
      head.fence,
      String(2 * settings.headHoldLimitMs),
      head.clock,
    ];
    const [row] = await withSilenceTimeout(databases, 'writer', batchLimitMs(settings), () =>
      autocommit<{ clock: string }>(databases.em('writer'), APPEND_IF_UNCHANGED, parameters),
    );
    return row?.clock;
  }
}
