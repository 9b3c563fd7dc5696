import { randomInt } from 'node:crypto';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { type Settings } from '@coordination/config';
import { Databases, readStatement } from '@coordination/database';
import { type TimedHead } from '../events/log-event.js';
import { CatalogHeadRepository } from './catalog-head.repository.js';
import { type HeadSource } from './head-source.js';

/** How long (ms) the primary may take to respond. */
const RESPONSE_LIMIT_MS = 3_000;

/** Number of keys from which each node takes one at random. */
const LOCK_KEYS = 2 ** 48 - 1;

/** Whether each read of the head commits something, which only the primary can do. */
export const headFence = ({ PCS_STRONG_READ_FENCE }: Settings) => ({ isFenced: PCS_STRONG_READ_FENCE });
export type HeadFence = ReturnType<typeof headFence>;

/** Set by tests only. */
interface Limits {
  readonly timeoutMs?: number;
}

/**
 * Reads the head of the log from the primary, for the {@link ReadIndex}. Each read has a time limit: otherwise one server
 * that does not respond would block all later reads, which wait for the query that is under way.
 */
@Injectable()
export class PrimaryHead implements HeadSource {
  private readonly lockKey = randomInt(LOCK_KEYS);
  private readonly timeoutMs: number;

  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    @Inject(headFence) private readonly fence: HeadFence,
    @Optional() { timeoutMs = RESPONSE_LIMIT_MS }: Limits = {},
  ) {
    this.timeoutMs = timeoutMs;
  }

  /** @throws StoreUnavailableError */
  async read(): Promise<TimedHead> {
    const { databases, heads, fence, lockKey, timeoutMs } = this;
    return await readStatement(
      databases,
      em => (fence.isFenced ? heads.readFenced(em, lockKey) : heads.readTimed(em)),
      { purpose: 'writer', timeoutMs },
    );
  }
}
