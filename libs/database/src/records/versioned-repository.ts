import { VersionMismatchError } from '@coordination/kernel';
import { type EntityManager, type EntityName } from '@mikro-orm/postgresql';
import { type VersionedRecord } from './versioned-record.js';

/**
 * Reads records of one kind, for answers and for changes. A library extends it by the look-ups that it needs. It opens no
 * transaction and flushes nothing: the caller decides where the unit of work begins and ends.
 */
export class VersionedRepository<Entity extends VersionedRecord> {
  /** @param label the kind of record at the beginning of a message, such as `The token` */
  constructor(
    protected readonly entity: EntityName<Entity>,
    private readonly label: string,
  ) {}

  async find(em: EntityManager, id: string): Promise<Entity | undefined> {
    return (await em.findOne<Entity>(this.entity, { id } as never)) ?? undefined;
  }

  /**
   * The record, if it still has the version that the change was decided on.
   * @returns undefined when there is no such record any more
   * @throws VersionMismatchError when it has been changed since
   */
  async findVersion(em: EntityManager, id: string, version: number): Promise<Entity | undefined> {
    const record = await this.find(em, id);
    if (record && record.version !== version) throw new VersionMismatchError(record.version, `${this.label} ${id}`);
    return record;
  }
}
