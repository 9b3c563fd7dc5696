import { Injectable } from '@nestjs/common';
import { columnsOf, isoTime, query } from '@coordination/database';
import { StoreUnavailableError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LockedHead, type LogHead, type TimedHead } from '../events/log-event.js';
import { type ServerChange } from '../events/server-identity.js';
import { CatalogHead } from './catalog-head.entity.js';

/** The locked head, with what is needed to compare the history of the log with a known one. */
export interface HeldHead extends LockedHead, ServerChange {
  /** Hash of the event of the requested revision; null: there is no such event, or no revision was requested. */
  readonly knownHash: string | null;
}

/** The head as read, and the servers on which it was written and is now. */
export type HeadOnServer = LogHead & ServerChange;

/** Prefix of the messages that fenced reads write into the write-ahead log. */
const FENCE_PREFIX = 'platform-coordination';

const IN_RECOVERY = 'The database is in recovery (a standby): the catalog is only read from the primary.';

const FENCE_PENDING =
  'The standby has not yet confirmed an earlier commit by which a read verifies that this server is the primary.';

const HEAD = columnsOf(CatalogHead);
const HEAD_COLUMNS = HEAD.only('revision', 'hash', 'epoch', 'at').select();
const SERVER_COLUMNS = HEAD.only('systemIdentifier', 'timeline');
const CLOCK = `${isoTime('clock_timestamp()')} as clock`;

/** The columns of a {@link ServerChange}. */
interface ServerChangeRow {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly serverSystemIdentifier: string;
  /** null on a standby. */
  readonly serverTimeline: number | null;
}

/** Locks, reads and changes the head of the log. */
@Injectable()
export class CatalogHeadRepository {
  /**
   * Locks the head until the transaction ends.
   * @param holdLimitMs after this time (ms) of inactivity PostgreSQL ends the transaction
   * @param known a revision whose hash is read in the same round trip
   */
  async lock(em: EntityManager, holdLimitMs: number, known?: number): Promise<HeldHead> {
    const [found] = await query<Omit<HeldHead, 'now' | keyof ServerChange> & ServerChangeRow>(
      em,
      // PostgreSQL reads the clock after the function has returned, that is, after the wait for the lock.
      `select ${HEAD_COLUMNS}, ${isoTime('least(at, clock_timestamp())')} as clock, ${HEAD.only('fence').select()},
        ${SERVER_COLUMNS.select()},
        server_system_identifier as "serverSystemIdentifier", server_timeline as "serverTimeline",
        known_hash as "knownHash"
       from lock_catalog_head($1, $2)`,
      [holdLimitMs, known ?? null],
    );
    const row = headOrFail(found);
    return { ...withServers(row), now: row.at };
  }

  /**
   * The head as committed on the primary.
   * @throws StoreUnavailableError on a standby or a demoted primary, which may lack events that were already acknowledged
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
   * The head as committed on the primary, and the server on which it was last written.
   * @throws StoreUnavailableError on a standby
   */
  async readWithServer(em: EntityManager): Promise<HeadOnServer> {
    const [found] = await query<LogHead & ServerChangeRow>(
      em,
      `select ${HEAD_COLUMNS}, ${SERVER_COLUMNS.select('h')},
        s.system_identifier as "serverSystemIdentifier", s.timeline as "serverTimeline"
       from catalog_head h, catalog_server() s where h.id = 1`,
    );
    const row = headOrFail(found);
    refuseStandby(row.serverTimeline === null);
    return withServers(row);
  }

  /** Records the server that has the head now. The head must be locked, and its history confirmed. */
  async recordServer(em: EntityManager, { server }: ServerChange): Promise<void> {
    await query(em, 'update catalog_head set system_identifier = $1, timeline = $2 where id = 1', [
      server.systemIdentifier,
      server.timeline,
    ]);
  }

  /**
   * Sets a new epoch, on this server. The head must be locked.
   * @throws Error when its epoch is no longer the one that was locked
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
   * The head, read by a transaction that also commits a message that is never read. If `synchronous_standby_names` is set,
   * the commit waits for a standby. A former primary never completes it, because its standbys follow another server.
   * @param lockKey a key of this node. The server continues a commit whose caller has given up; meanwhile it begins no second
   * @throws StoreUnavailableError on a standby, or while an earlier commit is still waiting
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
    const obstacle = inRecovery ? IN_RECOVERY : message === null ? FENCE_PENDING : undefined;
    if (obstacle !== undefined) throw new StoreUnavailableError({ cause: new Error(obstacle) });
    return head;
  }

  /** The head of this server, and whether it is a standby; undefined: the row has been deleted. */
  async find(em: EntityManager): Promise<(TimedHead & { readonly inRecovery: boolean }) | undefined> {
    const [row] = await query<TimedHead & { inRecovery: boolean }>(
      em,
      `select ${HEAD_COLUMNS}, ${CLOCK}, pg_is_in_recovery() as "inRecovery" from catalog_head where id = 1`,
    );
    return row;
  }

  /**
   * Future events have this time or a later one. A snapshot in which it is read has all events with earlier times.
   */
  async settledUpTo(em: EntityManager): Promise<string> {
    const [row] = await query<{ at: string }>(
      em,
      `select ${isoTime('greatest(at, settled_at)')} as at from catalog_head where id = 1`,
    );
    return row!.at;
  }

  /**
   * Makes all future events later than the present millisecond. The head must be locked. After the clock was set back, the
   * newest event may be later than the clock; then its time is the present.
   */
  async settle(em: EntityManager): Promise<void> {
    await query(
      em,
      `update catalog_head
       set settled_at = date_trunc('milliseconds', greatest(at, clock_timestamp())) + interval '1 millisecond'
       where id = 1 and (settled_at is null or settled_at <= greatest(at, clock_timestamp()))`,
    );
  }

  /** Makes sure that a transaction whose outcome is unknown cannot commit any more. The head must be locked. */
  async raiseFence(em: EntityManager): Promise<void> {
    await query(em, 'update catalog_head set fence = fence + 1 where id = 1');
  }
}

/** @throws Error when the head has no row, which only a deletion or missing migrations can cause */
export function headOrFail<Row>(row: Row | undefined): Row {
  if (!row) throw new Error('catalog_head has no row: the migrations have not been applied, or it was deleted.');
  return row;
}

/**
 * Refuses to read from a standby, which may lack events that were already acknowledged.
 * @throws StoreUnavailableError
 */
export function refuseStandby(inRecovery: boolean): void {
  if (inRecovery) throw new StoreUnavailableError({ cause: new Error(IN_RECOVERY) });
}

/** A row with the servers as a {@link ServerChange}. */
function withServers<Row extends ServerChangeRow>(row: Row): Omit<Row, keyof ServerChangeRow> & ServerChange {
  const { systemIdentifier, timeline, serverSystemIdentifier, serverTimeline, ...rest } = row;
  return {
    ...rest,
    written: { systemIdentifier, timeline },
    // Not null: locking fails on a standby, and `readWithServer` refuses it.
    server: { systemIdentifier: serverSystemIdentifier, timeline: serverTimeline! },
  };
}
