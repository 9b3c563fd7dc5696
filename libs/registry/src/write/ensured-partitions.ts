import { Inject, Injectable } from '@nestjs/common';
import { ServiceEventRepository } from '@coordination/log';
import { type EntityManager } from '@mikro-orm/postgresql';

/** How many revisions after the head the log must have partitions for, so that they are created long before they are needed. */
const HEADROOM = 500_000;

/** Up to which revision this node has seen that the log has partitions. */
@Injectable()
export class EnsuredPartitions {
  private upTo = 0;

  constructor(
    @Inject(ServiceEventRepository) private readonly events: Pick<ServiceEventRepository, 'ensurePartitions'>,
  ) {}

  /** Whether an event can be appended without looking at the partitions. */
  cover(revision: number): boolean {
    return revision + HEADROOM <= this.upTo;
  }

  /**
   * Creates the partitions that an event needs.
   * @returns the last revision that there are partitions for, once the transaction is committed
   */
  async ensure(em: EntityManager, revision: number): Promise<number> {
    return this.cover(revision) ? this.upTo : await this.events.ensurePartitions(em, revision);
  }

  /** Records what {@link ensure} returned, after the commit of its transaction. */
  noteCommitted(upTo: number): void {
    this.upTo = upTo;
  }
}
