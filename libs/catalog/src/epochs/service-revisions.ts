import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';

/**
 * Raises the revision of every known service, and every floor, to that of the event that starts an epoch. Clients may have
 * seen later revisions than survived, and every client that waits for a change must read again. The head must be locked.
 */
export async function raiseServiceRevisions(em: EntityManager, revision: number): Promise<void> {
  await query(em, 'update service_revision set revision = $1 where revision < $1', [revision]);
  await query(em, 'update namespace_floor set revision = $1 where revision < $1', [revision]);
}
