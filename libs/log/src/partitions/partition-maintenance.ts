import { Injectable } from '@nestjs/common';
import { type EntityManager } from '@mikro-orm/postgresql';
import { Databases, mapStoreErrors, readSnapshot, withSilenceTimeout } from '@coordination/database';
import { ServiceEventRepository } from '../events/service-event.repository.js';
import { CatalogHeadRepository } from '../head/catalog-head.repository.js';
import { headroomAfter } from './log-partition.js';
import { LogPartitionRepository } from './log-partition.repository.js';

const STATEMENT_LIMIT_MS = 4_000;

/** The head of the log, and how many revisions after it have a partition. */
export interface MeasuredHeadroom {
  readonly head: number;
  readonly revisions: number;
}

/** Measures how far the partitions of the log reach, and creates further ones. */
@Injectable()
export class PartitionMaintenance {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    private readonly events: ServiceEventRepository,
    private readonly partitions: LogPartitionRepository,
  ) {}

  /** @throws StoreUnavailableError */
  async measure(): Promise<MeasuredHeadroom> {
    const measure = async (em: EntityManager) => {
      const { revision } = await this.heads.read(em);
      return { head: revision, revisions: headroomAfter(revision, await this.partitions.list(em)) };
    };
    return await readSnapshot(this.databases, measure, { purpose: 'upkeep' });
  }

  /**
   * Creates the partitions for a revision and well beyond it.
   * @throws StoreUnavailableError
   */
  async extend(revision: number): Promise<void> {
    const { databases, events } = this;
    const variables = {
      statement_timeout: STATEMENT_LIMIT_MS,
      lock_timeout: STATEMENT_LIMIT_MS / 2,
      tcp_user_timeout: STATEMENT_LIMIT_MS,
    };
    await mapStoreErrors(() =>
      withSilenceTimeout(databases, 'upkeep', 2 * STATEMENT_LIMIT_MS, () =>
        databases.em('upkeep').transactional(em => events.ensurePartitions(em, revision), {
          sessionContext: { variables },
        }),
      ),
    );
  }
}
