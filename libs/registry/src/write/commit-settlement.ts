import { Inject, Injectable } from '@nestjs/common';
import { CatalogHeadRepository, ServiceEventRepository } from '@coordination/log';
import { Databases, withSilenceTimeout } from '@coordination/database';
import { OutcomeUnknownError, StoreUnavailableError } from '@coordination/kernel';
import { awakeMsSince } from '@coordination/scheduling';
import pRetry from 'p-retry';
import { type DoubtfulAppend } from './doubtful-append.js';
import { type PlacedPlan } from './batch-plan.js';
import { writeSettings, type WriteSettings } from './write-settings.js';

/**
 * How long (ms), without stalls of this process, the outcome of a doubtful commit is looked up before its callers get the error that
 * it is unknown.
 */
const SETTLE_LIMIT_MS = 5_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** Finds out what became of batches whose commit was not answered, so that callers get no wrong answer. */
@Injectable()
export class CommitSettlement {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    private readonly events: ServiceEventRepository,
    @Inject(writeSettings) private readonly settings: WriteSettings,
  ) {}

  /**
   * @returns the plan of the batch, if it was committed
   * @throws StoreUnavailableError when it was not; OutcomeUnknownError when that could not be found out in time
   */
  async settle({ placed, cause }: DoubtfulAppend): Promise<PlacedPlan> {
    let committed: boolean;
    try {
      committed = await this.wasCommitted(placed.batchId, placed.head.revision);
    } catch {
      throw new OutcomeUnknownError({ cause });
    }
    if (!committed) throw new StoreUnavailableError({ cause });
    return placed;
  }

  /**
   * Whether the log has a batch after a revision. Locking the head waits for the doubtful transaction, the raised fence makes a late one fail, and what this transaction
   * has seen is durable only once it has itself been committed.
   * @throws the error of the last attempt, when there was no answer in time
   */
  async wasCommitted(batchId: string, afterRevision: number): Promise<boolean> {
    const { databases, heads, events } = this;
    const begunMs = performance.now();
    const attempt = () =>
      withSilenceTimeout(databases, 'writer', SETTLE_LIMIT_MS, () =>
        databases.em('writer').transactional(async em => {
          await heads.lock(em, this.settings.headHoldLimitMs);
          await heads.raiseFence(em);
          return await events.hasBatchAfter(em, afterRevision, batchId);
        }),
      );
    return await pRetry(attempt, {
      retries: Number.POSITIVE_INFINITY,
      shouldRetry: () => awakeMsSince(databases.stalls, begunMs) < SETTLE_LIMIT_MS,
      minTimeout: FIRST_PAUSE_MS,
      maxTimeout: LONGEST_PAUSE_MS,
      randomize: true,
    });
  }
}
