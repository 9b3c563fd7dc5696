import { Injectable } from '@nestjs/common';
import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type ServiceTouch } from '@coordination/catalog';

/** Services without instances, in the tables. */
@Injectable()
export class EmptyServiceRepository {
  /**
   * Drops services, and raises the floors that replace them to the revision of the head. For the transaction that has locked
   * the head, after the event has been appended as the only one of its batch. Services that were touched after they were
   * chosen are kept.
   * @param services all that have no instances, oldest first, up to the last one of them
   */
  async drop(em: EntityManager, services: readonly ServiceTouch[]): Promise<void> {
    await query(em, 'select drop_empty_services($1, $2)', [JSON.stringify(services), services.at(-1)!.revision]);
  }
}
