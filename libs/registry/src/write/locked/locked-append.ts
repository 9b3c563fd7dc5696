import { Inject, Injectable } from '@nestjs/common';
import { HistoryCheck } from '@coordination/catalog';
import { Databases, withSilenceTimeout } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type QueuedRequest } from '../../requests/write-request.js';
import { BatchStore } from './batch-store.js';
import { DoubtfulAppend } from '../doubtful-append.js';
import { PredictedHead } from '../optimistic/predicted-head.js';
import { type PlacedPlan } from '../batch-plan.js';
import { batchLimitMs, writeSettings, type WriteSettings } from '../write-settings.js';
import { WriterMetrics } from '../writer-metrics.js';

/** Appends batches in a transaction that locks the head of the log first. This way is open to every request. */
@Injectable()
export class LockedAppend {
  constructor(
    private readonly databases: Databases,
    private readonly history: HistoryCheck,
    private readonly store: BatchStore,
    private readonly predicted: PredictedHead,
    private readonly metrics: WriterMetrics,
    @Inject(writeSettings) private readonly settings: WriteSettings,
  ) {}

  /**
   * Decides and appends in one transaction, in a fixed number of statements whatever the size of the batch.
   * @throws DoubtfulAppend when it is not known whether the transaction was committed; with any other error it was not
   */
  async append(requests: readonly QueuedRequest[]): Promise<PlacedPlan> {
    const { databases } = this;
    let placed: PlacedPlan | undefined;
    let partitionsUpTo: number | undefined;
    try {
      const done = await withSilenceTimeout(databases, 'writer', batchLimitMs(this.settings), () =>
        databases.em('writer').transactional(async em => {
          const attempt = await this.decide(em, requests);
          partitionsUpTo = await this.store.write(em, attempt);
          placed = attempt;
          return attempt;
        }),
      );
      this.store.noteCommitted(partitionsUpTo);
      this.metrics.appended('locked');
      return done;
    } catch (error) {
      if (placed && placed.plan.events.length > 0) throw new DoubtfulAppend(placed, error);
      throw error;
    }
  }

  /** Locks the head, reads what the requests depend on, and decides. */
  private async decide(em: EntityManager, requests: readonly QueuedRequest[]): Promise<PlacedPlan> {
    const head = await this.history.lock(em, this.settings.headHoldLimitMs);
    this.predicted.learn(head);
    return await this.store.plan(em, head, requests);
  }
}
