import { columnsOf, isoTime, query } from '@coordination/database';
import { StoreUnavailableError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LockedHead, type LogHead, type TimedHead } from '../events/log-event.js';
import { type ServerChange } from '../events/server-identity.js';
import { CatalogHead } from './catalog-head.entity.js';

/** The locked head, with what tells whether it goes on with what its holder knows. */
export interface HeldHead extends LockedHead, ServerChange {
  /** The hash that the log has at the revision that was asked for; null: it has no such event, or none was asked for. */
  readonly knownHash: string | null;
}

/** The head as read, and where it was written. */
export type PlacedHead = LogHead & ServerChange;

/** Of the messages in the write-ahead log that are committed to prove something. */
const FENCE_PREFIX = 'platform-coordination';

const IN_RECOVERY = 'The database is in recovery (a standby): the catalog is only read from the primary.';

const FENCE_HANGS = 'A commit that was to prove that this is the primary has not been confirmed by its standby yet.';

const HEAD = columnsOf(CatalogHead);
const HEAD_COLUMNS = HEAD.only('revision', 'hash', 'epoch', 'at').select();
const PLACEMENT_COLUMNS = HEAD.only('systemIdentifier', 'timeline');
const CLOCK = `${isoTime('clock_timestamp()')} as clock`;

/** A placement as the database tells it. */
interface PlacementRow {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly serverSystemIdentifier: string;
  /** null on a standby. */
  readonly serverTimeline: number | null;
}

/** The one row that orders all changes. */
export class CatalogHeadRepository {
  /**
   * Locks the head until the transaction ends.
   * @param holdLimitMs how long (ms) this transaction may hang before PostgreSQL ends it
   * @param known a revision whose hash is looked up in the same round trip
   */
  async lock(em: EntityManager, holdLimitMs: number, known?: number): Promise<HeldHead> {
    const [found] = await query<Omit<HeldHead, 'now' | keyof ServerChange> & PlacementRow>(
      em,
      // The clock is read when the function has returned, so after the wait for the lock.
      `select ${HEAD_COLUMNS}, ${isoTime('least(at, clock_timestamp())')} as clock, ${HEAD.only('fence').select()},
        ${PLACEMENT_COLUMNS.select()},
        server_system_identifier as "serverSystemIdentifier", server_timeline as "serverTimeline",
        known_hash as "knownHash"
       from lock_catalog_head($1, $2)`,
      [holdLimitMs, known ?? null],
    );
    const row = headOrFail(found);
    return { ...placed(row), now: row.at };
  }

  /**
   * The head as committed on the primary.
   * @throws StoreUnavailableError on a standby, or a primary that was made one: it may lack what others were told is there
   */
  async read(em: EntityManager): Promise<LogHead> {
    const { clock: _, ...head } = await this.readTimed(em);
    return head;
  }

  /**
   * The head as committed on the primary, and its clock.
   * @throws StoreUnavailableError on a standby
   */
  async readTimed(em: EntityManager): Promise<TimedHead> {
    const { inRecovery, ...head } = headOrFail(await this.find(em));
    refuseStandby(inRecovery);
    return head;
  }

  /**
   * The head as committed on the primary, and where it was written.
   * @throws StoreUnavailableError on a standby
   */
  async readPlaced(em: EntityManager): Promise<PlacedHead> {
    const [found] = await query<LogHead & PlacementRow>(
      em,
      `select ${HEAD_COLUMNS}, ${PLACEMENT_COLUMNS.select('h')},
        s.system_identifier as "serverSystemIdentifier", s.timeline as "serverTimeline"
       from catalog_head h, catalog_server() s where h.id = 1`,
    );
    const row = headOrFail(found);
    refuseStandby(row.serverTimeline === null);
    return placed(row);
  }

  /** Notes the server that the head is on. The head must be locked, and its history vouched for. */
  async place(em: EntityManager, { server }: ServerChange): Promise<void> {
    await query(em, 'update catalog_head set system_identifier = $1, timeline = $2 where id = 1', [
      server.systemIdentifier,
      server.timeline,
    ]);
  }

  /**
   * Names a new epoch, on this server. The head must be locked.
   * @throws Error when it is no longer in the epoch that was locked
   */
  async beginEpoch(em: EntityManager, head: HeldHead, epoch: string): Promise<void> {
    const rows = await query(
      em,
      `update catalog_head set epoch = $1, system_identifier = $2, timeline = $3 where id = 1 and epoch = $4 returning id`,
      [epoch, head.server.systemIdentifier, head.server.timeline, head.epoch],
    );
    if (rows.length !== 1)
      throw new Error(`The head of the log is no longer in epoch ${head.epoch}, which was locked.`);
  }

  /**
   * The head, read by a transaction that commits something as well, though nothing that anybody reads. Where
   * `synchronous_standby_names` is set, the commit waits for a standby: a former primary, whose standbys follow another
   * by now, does not come back from it.
   * @param lockKey of the node. A commit whose caller has gone waits on in the server; while it does, there is no second
   * @throws StoreUnavailableError on a standby, or while an earlier commit hangs
   */
  async readFenced(em: EntityManager, lockKey: number): Promise<TimedHead> {
    const [found] = await query<TimedHead & { inRecovery: boolean; message: string | null }>(
      em,
      `select ${HEAD_COLUMNS}, ${CLOCK}, pg_is_in_recovery() as "inRecovery",
         case when not pg_is_in_recovery() and pg_try_advisory_xact_lock($1)
           then pg_logical_emit_message(true, $2, '')::text end as message
       from catalog_head where id = 1`,
      [lockKey, FENCE_PREFIX],
    );
    const row = headOrFail(found);
    const { inRecovery, message, ...head } = row;
    const trouble = inRecovery ? IN_RECOVERY : message === null ? FENCE_HANGS : undefined;
    if (trouble !== undefined) throw new StoreUnavailableError({ cause: new Error(trouble) });
    return head;
  }

  /** The head as this server has it, where the row may have been taken away, and whether it is a standby. */
  async find(em: EntityManager): Promise<(TimedHead & { readonly inRecovery: boolean }) | undefined> {
    const [row] = await query<TimedHead & { inRecovery: boolean }>(
      em,
      `select ${HEAD_COLUMNS}, ${CLOCK}, pg_is_in_recovery() as "inRecovery" from catalog_head where id = 1`,
    );
    return row;
  }

  /**
   * Up to when nothing can happen any more: no event to come has an earlier time. Read with the log in one snapshot,
   * all events before it are there.
   */
  async settledUpTo(em: EntityManager): Promise<string> {
    const [row] = await query<{ at: string }>(
      em,
      `select ${isoTime('greatest(at, settled_at)')} as at from catalog_head where id = 1`,
    );
    return row!.at;
  }

  /**
   * Settles all time up to the present, this millisecond included. The head must be locked. After the clock was set back,
   * the newest event is later than it: then that is the present of the log, and events to come are later still.
   */
  async settle(em: EntityManager): Promise<void> {
    await query(
      em,
      `update catalog_head
       set settled_at = date_trunc('milliseconds', greatest(at, clock_timestamp())) + interval '1 millisecond'
       where id = 1 and (settled_at is null or settled_at <= greatest(at, clock_timestamp()))`,
    );
  }

  /** Makes a late commit of a transaction whose outcome is doubtful impossible. The head must be locked. */
  async raiseFence(em: EntityManager): Promise<void> {
    await query(em, 'update catalog_head set fence = fence + 1 where id = 1');
  }
}

/** The row of the head that was asked for; there always is one. */
export function headOrFail<Row>(row: Row | undefined): Row {
  if (!row) throw new Error('catalog_head has no row: the migrations have not been applied, or it was deleted.');
  return row;
}

/**
 * What a standby says may lack what others were told is there.
 * @throws StoreUnavailableError
 */
export function refuseStandby(inRecovery: boolean): void {
  if (inRecovery) throw new StoreUnavailableError({ cause: new Error(IN_RECOVERY) });
}

/** A row with its placement as such. */
function placed<Row extends PlacementRow>(row: Row): Omit<Row, keyof PlacementRow> & ServerChange {
  const { systemIdentifier, timeline, serverSystemIdentifier, serverTimeline, ...rest } = row;
  return {
    ...rest,
    written: { systemIdentifier, timeline },
    // Only a primary locks, and whoever only reads has made sure that it is one.
    server: { systemIdentifier: serverSystemIdentifier, timeline: serverTimeline! },
  };
}
