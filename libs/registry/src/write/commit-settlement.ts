import { type CatalogHeadRepository, type ServiceEventRepository } from '@coordination/log';
import { type Databases, withSilenceTimeout } from '@coordination/database';
import pRetry from 'p-retry';

/** For how long (ms) the outcome of a doubtful commit is looked for, before its callers are told that it is unknown. */
const SETTLE_LIMIT_MS = 5_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** A batch of which it is not known whether it was committed. */
export interface DoubtfulBatch {
  readonly batchId: string;
  /** The head that it was appended to. */
  readonly afterRevision: number;
}

/** What is needed to settle. */
export interface SettlementTools {
  readonly databases: Databases;
  readonly heads: CatalogHeadRepository;
  readonly events: ServiceEventRepository;
  readonly headHoldLimitMs: number;
}

/**
 * Finds out whether a doubtful batch was committed. The head's lock waits for the doubtful transaction, the raised fence
 * makes a late one fail, and only when this transaction has itself been committed is what it saw durable.
 * @throws whatever the last try met, when there was no answer in time
 */
export async function wasCommitted(
  { batchId, afterRevision }: DoubtfulBatch,
  tools: SettlementTools,
): Promise<boolean> {
  const { databases, heads, events, headHoldLimitMs } = tools;
  const attempt = () =>
    withSilenceTimeout(databases, 'writer', SETTLE_LIMIT_MS, () =>
      databases.em('writer').transactional(async em => {
        await heads.lock(em, headHoldLimitMs);
        await heads.raiseFence(em);
        return await events.hasBatchAfter(em, afterRevision, batchId);
      }),
    );
  return await pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    maxRetryTime: SETTLE_LIMIT_MS,
    minTimeout: FIRST_PAUSE_MS,
    maxTimeout: LONGEST_PAUSE_MS,
    randomize: true,
  });
}
