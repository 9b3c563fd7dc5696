import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type ServiceTouch } from '@coordination/catalog';

/** Services without instances, as the tables know them. */
export class EmptyServiceRepository {
  /**
   * Drops services, and raises the floors that stand for them to the revision of the head. For the unit of work that holds
   * the head, after the event that says so has been appended as the only one of its batch.
   * Those that were touched after they were chosen stay.
   * @param services all that have no instances, oldest first, up to the last one of them
   */
  async drop(em: EntityManager, services: readonly ServiceTouch[]): Promise<void> {
    await query(em, 'select drop_empty_services($1, $2)', [JSON.stringify(services), services.at(-1)!.revision]);
  }
}
