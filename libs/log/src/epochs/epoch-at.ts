import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';

/** The first epoch that began after the revision names the epoch that it ended. */
const NEXT_START = `
  select e.after ->> 'previousEpoch' as epoch from service_event e
  where e.action = 'catalog.epoch_started' and e.revision > $1 order by e.revision limit 1`;

/**
 * The epoch that a revision belongs to.
 * @param current the epoch of the head
 */
export async function epochAt(em: EntityManager, revision: number, current: string): Promise<string> {
  const [row] = await query<{ epoch: string }>(em, NEXT_START, [revision]);
  return row?.epoch ?? current;
}
