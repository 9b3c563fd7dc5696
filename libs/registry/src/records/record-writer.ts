import { type AuditAction } from '@coordination/log';
import { type CallOrigin } from '@coordination/context';
import { type EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { CatalogWriter } from '../write/catalog-writer.js';
import { type WriteResult } from '../requests/write-request.js';

/** A change of versioned records, and its event. */
export interface RecordChange {
  readonly action: AuditAction;
  /** What the change was decided on and what it leaves, as plain JSON without secrets: they stay in the log for ever. */
  readonly before: unknown;
  readonly after: unknown;
  /**
   * Creates, changes or removes entities of the given entity manager; the flush follows. A record that is changed or removed
   * must be read here, by `VersionedRepository.findVersion`: then `before` is what the record really was.
   */
  readonly apply: (em: EntityManager) => Promise<void>;
}

/**
 * Changes records through MikroORM's unit of work, in the transaction that appends their event to the log. All such changes
 * hold the head of the log while they read, compare versions and write, so no other one comes in between. What the catalog
 * writer guarantees holds for them as well: the outcome of a doubtful commit is looked up, and nothing is written
 * while the history of the catalog is in doubt.
 */
@Injectable()
export class RecordWriter {
  constructor(private readonly writer: CatalogWriter) {}

  /**
   * Carries out one change. It is a batch of its own, so that its failure fails no other request.
   * @returns the revision of the event
   * @throws VersionMismatchError, or what else `apply` throws; QueueFullError, StoreUnavailableError (nothing happened) or OutcomeUnknownError
   */
  async change(
    origin: CallOrigin,
    { apply, ...event }: RecordChange,
  ): Promise<Pick<WriteResult, 'revision' | 'epoch'>> {
    const { revision, epoch } = await this.writer.submit({
      commands: [],
      origin,
      systemEvent: {
        ...event,
        isAlone: true,
        write: async em => {
          await apply(em);
          await em.flush();
        },
      },
    });
    return { revision, epoch };
  }
}
