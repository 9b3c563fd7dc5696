import { Injectable } from '@nestjs/common';
import { requestKeyOf } from '../requests/request-key.js';
import { type QueuedRequest, type WriteRequest, type WriteResult } from '../requests/write-request.js';
import { BatchAnswers } from './batch-answers.js';
import { CommitSettlement } from './commit-settlement.js';
import { isRefusal } from './constraint-violations.js';
import { DoubtfulAppend } from './doubtful-append.js';
import { LockedAppend } from './locked/locked-append.js';
import { OptimisticAppend } from './optimistic/optimistic-append.js';
import { type PlacedPlan } from './batch-plan.js';
import { toCallerError } from './to-caller-error.js';
import { type PendingWrite } from './queue/pending-write.js';
import { type BatchCommit, WriteQueue } from './queue/write-queue.js';
import { WriterMetrics } from './writer-metrics.js';

/** The only class that changes the catalog. Callers are answered after the commit of the batch that carries their request. */
@Injectable()
export class CatalogWriter {
  private readonly commitBatch: BatchCommit = batch => this.commit(batch);

  constructor(
    private readonly queue: WriteQueue,
    private readonly optimistic: OptimisticAppend,
    private readonly locked: LockedAppend,
    private readonly settlement: CommitSettlement,
    private readonly answers: BatchAnswers,
    private readonly metrics: WriterMetrics,
  ) {}

  /** Commands that wait. */
  get queueLength(): number {
    return this.queue.length;
  }

  /**
   * Carries out the commands of a request, all or none. A request that was answered before under the same key of the same
   * actor gets that answer again and has no effect.
   * @throws DomainError a rejection; IdempotencyMismatchError; QueueFullError, StoreUnavailableError (nothing happened) or OutcomeUnknownError
   */
  submit(request: WriteRequest): Promise<WriteResult> {
    return new Promise((resolve, reject) => {
      this.queue.push({ request: withKey(request), resolve, reject, since: performance.now() });
      this.queue.drain(this.commitBatch);
    });
  }

  /** Resolves when no request waits and no batch is being committed. */
  async idle(): Promise<void> {
    await this.queue.idle();
  }

  /** Commits a batch and answers its callers; never throws. @returns the requests that it could not carry */
  private async commit(batch: readonly PendingWrite[]): Promise<readonly PendingWrite[]> {
    const endTimer = this.metrics.startBatch();
    try {
      const placed = await this.append(batch.map(write => write.request));
      endTimer('committed', placed.plan.events.length);
      // Not awaited: the next batch does not wait for the view.
      void this.answers.give(batch, placed);
      return batch.slice(placed.plan.outcomes.length);
    } catch (error) {
      endTimer('failed', 0);
      return await this.fail(batch, error);
    }
  }

  /** When this throws, nothing has happened, or it is an OutcomeUnknownError. */
  private async append(requests: readonly QueuedRequest[]): Promise<PlacedPlan> {
    try {
      return (await this.optimistic.append(requests)) ?? (await this.locked.append(requests));
    } catch (error) {
      if (error instanceof DoubtfulAppend) return await this.settlement.settle(error);
      throw error;
    }
  }

  /**
   * When the database refuses values of a batch, the request that has them is found by halving; the others are committed.
   * @returns the requests that were not carried
   */
  private async fail(batch: readonly PendingWrite[], error: unknown): Promise<readonly PendingWrite[]> {
    if (isRefusal(error) && batch.length > 1) {
      const middle = Math.ceil(batch.length / 2);
      const rest = await this.commit(batch.slice(0, middle));
      const others = batch.slice(middle);
      // Requests of a client keep their order: none is committed before one that must be tried again.
      return rest.length > 0 ? [...rest, ...others] : await this.commit(others);
    }
    const callerError = toCallerError(error);
    for (const { reject } of batch) reject(callerError);
    return [];
  }
}

/** Computed before the request is queued: not while the head is locked, and a failure rejects this request only. */
function withKey(request: WriteRequest): QueuedRequest {
  const key = requestKeyOf(request.origin);
  return key ? { ...request, key } : request;
}
