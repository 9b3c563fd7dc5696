import { columnsOf, query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { CatalogBaseline } from '../catalog-baseline.entity.js';

/** Each of them is a column of the log, too. */
const BASELINE = columnsOf(CatalogBaseline);

/** Events that one statement processes; it takes some tens of milliseconds. */
const STEP = 5_000;

/** The lowest revision of a step downwards. A step is a number of events, since epochs leave large gaps between revisions. */
const LOWEST_OF_STEP = `
  select min(s.revision)::float8 as revision from (
    select revision from service_event where revision > $1 and revision <= $2
    order by service_event.revision desc limit $3
  ) s`;

/**
 * Copies the newest event of each identity of a step, unless the baseline already has a newer one. Since steps go downwards,
 * each identity gets one row.
 */
const STAGE = `
  insert into catalog_baseline (${BASELINE.names()})
  select distinct on (e.namespace, e.service, e.instance_id) ${BASELINE.names('e')}
  from service_event e
  where e.revision >= $1 and e.revision <= $2 and e.instance_uuid is not null
    and not exists (
      select from catalog_baseline b
      where (b.namespace, b.service, b.instance_id) = (e.namespace, e.service, e.instance_id)
        and b.revision >= e.revision and b.revision <= $3)
  order by e.namespace, e.service, e.instance_id, e.revision desc
  on conflict (revision) do nothing`;

const HIGHEST_OF_STEP = `
  select max(s.revision)::float8 as revision from (
    select revision from catalog_baseline where revision > $1 and revision <= $2
    order by catalog_baseline.revision limit $3
  ) s`;

/**
 * Deletes rows that are not needed at the cut or after it: rows of identities that have a newer one; and rows of removed
 * instances, unless the row is the last event of its service and the service is still known. Since steps go upwards, a row is
 * deleted before the row that records the removal of its instance.
 */
const TIDY = `
  delete from catalog_baseline b where b.revision > $1 and b.revision <= $2 and (
    exists (
      select from catalog_baseline n
      where (n.namespace, n.service, n.instance_id) = (b.namespace, b.service, b.instance_id)
        and n.revision > b.revision and n.revision <= $3)
    or b.after is null and (
      not exists (
        select from service_revision s where (s.namespace, s.service) = (b.namespace, b.service))
      or exists (
        select from catalog_baseline n
        where (n.namespace, n.service) = (b.namespace, b.service) and n.revision > b.revision and n.revision <= $3)))`;

/**
 * Fills the baseline before a cut is recorded, and deletes rows that are no longer needed after it. All rows are copies of
 * events, so it is harmless if the log still has the events. Each statement is a transaction of its own.
 */
export class BaselineRepository {
  constructor(private readonly step = STEP) {}

  /** Adds the newest event of each identity after a revision, up to a cut. Repeating it has no effect. */
  async fill(em: EntityManager, after: number, cut: number): Promise<void> {
    for (let high = cut; high > after;) {
      const [row] = await query<{ revision: number | null }>(em, LOWEST_OF_STEP, [after, high, this.step]);
      if (!row || row.revision === null) return;
      await query(em, STAGE, [row.revision, high, cut]);
      high = row.revision - 1;
    }
  }

  /** Deletes the rows that are no longer needed after a cut. */
  async tidy(em: EntityManager, cut: number): Promise<void> {
    for (let low = 0; ;) {
      const [row] = await query<{ revision: number | null }>(em, HIGHEST_OF_STEP, [low, cut, this.step]);
      if (!row || row.revision === null) break;
      await query(em, TIDY, [low, row.revision, cut]);
      low = row.revision;
    }
    await query(em, 'analyze catalog_baseline');
  }

  /** The number of rows. */
  async size(em: EntityManager): Promise<number> {
    const [row] = await query<{ rows: number }>(em, 'select count(*)::float8 as rows from catalog_baseline');
    return row!.rows;
  }
}
