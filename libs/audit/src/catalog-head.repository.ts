import { isoTime, query } from '@coordination/database';
import { StoreUnavailableError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LogHead } from './audit-event.js';

/** Where the log ends, held: nobody else can append until the transaction ends. */
export interface LockedHead extends LogHead {
  /** The time of what is decided under the lock: it never falls along revisions. RFC 3339 in UTC. */
  readonly now: string;
  readonly fence: number;
}

/** Name of the notification that tells followers of the log to look; the payload is the revision. */
export const CATALOG_CHANNEL = 'catalog_changed';

const IN_RECOVERY = 'The database is in recovery (a standby): the catalog is only read from the primary.';

const HEAD_COLUMNS = `revision::float8 as revision, hash, epoch, ${isoTime('at')} as at`;

/** The one row that orders all changes. */
export class CatalogHeadRepository {
  /**
   * Locks the head until the transaction ends.
   * @param holdLimitMs how long (ms) this transaction may hang before PostgreSQL ends it
   */
  async lock(em: EntityManager, holdLimitMs: number): Promise<LockedHead> {
    const [row] = await query<Omit<LockedHead, 'now' | 'fence'> & { fence: number }>(
      em,
      `select ${HEAD_COLUMNS}, fence::float8 as fence from lock_catalog_head($1)`,
      [holdLimitMs],
    );
    if (!row) throw new Error('catalog_head has no row: the migrations have not been applied, or it was deleted.');
    return { ...row, now: row.at };
  }

  /**
   * The head as committed on the primary.
   * @throws StoreUnavailableError on a standby, or a primary that was made one: it may lack what others were told is there
   */
  async read(em: EntityManager): Promise<LogHead> {
    const row = await this.find(em);
    if (!row) throw new Error('catalog_head has no row: the migrations have not been applied, or it was deleted.');
    const { inRecovery, ...head } = row;
    if (inRecovery) throw new StoreUnavailableError({ cause: new Error(IN_RECOVERY) });
    return head;
  }

  /** The head as this server has it, where the row may have been taken away, and whether it is a standby. */
  async find(em: EntityManager): Promise<(LogHead & { readonly inRecovery: boolean }) | undefined> {
    const [row] = await query<LogHead & { inRecovery: boolean }>(
      em,
      `select ${HEAD_COLUMNS}, pg_is_in_recovery() as "inRecovery" from catalog_head where id = 1`,
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

  /** Settles all time up to the database's clock, this millisecond included. The head must be locked. */
  async settle(em: EntityManager): Promise<void> {
    await query(
      em,
      `update catalog_head set settled_at = date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond'
       where id = 1 and (settled_at is null or settled_at <= clock_timestamp())`,
    );
  }

  /** Makes a late commit of a transaction whose outcome is doubtful impossible. The head must be locked. */
  async raiseFence(em: EntityManager): Promise<void> {
    await query(em, 'update catalog_head set fence = fence + 1 where id = 1');
  }
}
