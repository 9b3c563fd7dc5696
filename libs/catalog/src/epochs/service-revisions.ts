import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';

/**
 * Raises the revision of every service that is known, and every floor, to that of the event which begins an epoch: callers
 * may have seen later ones than survived, and whoever waits for a change must read anew. The head must be locked.
 */
export async function raiseServiceRevisions(em: EntityManager, revision: number): Promise<void> {
  await query(em, 'update service_revision set revision = $1 where revision < $1', [revision]);
  await query(em, 'update namespace_floor set revision = $1 where revision < $1', [revision]);
}
