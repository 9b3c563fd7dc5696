import { Injectable } from '@nestjs/common';
import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';

/** Revisions that no event will ever have: those between two others, neither of which is included. */
export interface EpochGap {
  /** The last revision of the epoch that ended. */
  readonly after: number;
  /** The revision at which the next one began. */
  readonly before: number;
}

/** Gaps of the removed part of the log are in its cut; while the part is being removed, they are in both. */
const GAPS = `
  select (e.after ->> 'previousRevision')::float8 as after, e.revision::float8 as before from service_event e
  where e.action = 'catalog.epoch_started'
  union
  select (g.gap ->> 'after')::float8, (g.gap ->> 'before')::float8
  from (select gaps from log_cut order by revision desc limit 1) c, jsonb_array_elements(c.gaps) as g (gap)
  order by before`;

const LAST_START = `select coalesce(max(g.before), 0) as revision from (${GAPS}) g where g.before <= $1::float8`;

/** Reads the epochs of the log. There are few, and a partial index holds only their events. */
@Injectable()
export class EpochLogRepository {
  /** The gaps between revisions, in their order. */
  async gaps(em: EntityManager): Promise<EpochGap[]> {
    return await query<EpochGap>(em, GAPS);
  }

  /** The revision at which the newest epoch began, or the epoch of the revision `upTo`; 0: it is the first epoch. */
  async lastStart(em: EntityManager, upTo = Number.MAX_SAFE_INTEGER): Promise<number> {
    const [row] = await query<{ revision: number }>(em, LAST_START, [upTo]);
    return row!.revision;
  }
}
