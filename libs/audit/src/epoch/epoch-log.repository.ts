import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';

/** Numbers that no change will ever have: those between two others, neither of which is included. */
export interface EpochGap {
  /** The last revision of the epoch that ended. */
  readonly after: number;
  /** The revision at which the next one began. */
  readonly before: number;
}

const GAPS = `
  select (e.after ->> 'previousRevision')::float8 as after, e.revision::float8 as before from service_event e
  where e.action = 'catalog.epoch_started' order by e.revision`;

const LAST_START = `
  select coalesce(max(e.revision), 0)::float8 as revision from service_event e
  where e.action = 'catalog.epoch_started' and e.revision <= $1`;

/** The epochs of the log; there are few, and an index has nothing but them. */
export class EpochLogRepository {
  /** The gaps in the numbers, in their order. */
  async gaps(em: EntityManager): Promise<EpochGap[]> {
    return await query<EpochGap>(em, GAPS);
  }

  /** At which revision the newest epoch began, or the one that a revision is in; 0: it is the first. */
  async lastStart(em: EntityManager, upTo = Number.MAX_SAFE_INTEGER): Promise<number> {
    const [row] = await query<{ revision: number }>(em, LAST_START, [upTo]);
    return row!.revision;
  }
}
