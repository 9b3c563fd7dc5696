import { Injectable } from '@nestjs/common';
import { DoubtfulCommitError } from '@coordination/database';
import { type QueuedRequest } from '../../requests/write-request.js';
import { DoubtfulAppend } from '../doubtful-append.js';
import { EnsuredPartitions } from '../ensured-partitions.js';
import { type PlacedPlan } from '../batch-plan.js';
import { BatchPlanner } from '../plan-batch.js';
import { WriterMetrics } from '../writer-metrics.js';
import { CachedCatalog } from './cached-catalog.js';
import { OptimisticAppendRepository } from './optimistic-append.repository.js';

/**
 * Appends batches that can be decided on what this node has in memory: in one statement, which does nothing if the catalog
 * is not as it was assumed to be.
 */
@Injectable()
export class OptimisticAppend {
  constructor(
    private readonly cached: CachedCatalog,
    private readonly planner: BatchPlanner,
    private readonly appends: OptimisticAppendRepository,
    private readonly partitions: EnsuredPartitions,
    private readonly metrics: WriterMetrics,
  ) {}

  /**
   * @returns undefined when this way is not possible, or was tried in vain; nothing has happened then
   * @throws DoubtfulAppend when it is not known whether the batch was appended; with any other error it was not
   */
  async append(requests: readonly QueuedRequest[]): Promise<PlacedPlan | undefined> {
    const basis = this.cached.basisOf(requests);
    if (!basis) return undefined;
    const placed = await this.planner.plan({ ...basis, requests });
    const last = placed.plan.events.at(-1);
    // Without an event, no statement would check the assumptions that the answers depend on.
    if (!last || !this.partitions.cover(last.revision)) return undefined;
    const clock = await this.tryAppend(placed);
    this.metrics.appended(clock === undefined ? 'conflict' : 'optimistic');
    if (clock === undefined) {
      this.cached.noteConflict();
      return undefined;
    }
    this.cached.noteAppended(clock);
    return placed;
  }

  /** @returns the clock of the database; undefined: there was a conflict, and nothing has happened */
  private async tryAppend(placed: PlacedPlan): Promise<string | undefined> {
    try {
      return await this.appends.append(placed);
    } catch (error) {
      this.cached.noteConflict();
      throw error instanceof DoubtfulCommitError ? new DoubtfulAppend(placed, error.cause) : error;
    }
  }
}
