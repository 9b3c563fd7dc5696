import { randomInt } from 'node:crypto';
import { type Databases, readStatement } from '@coordination/database';
import { type CatalogHeadRepository } from './catalog-head.repository.js';
import { type ReadHead } from './read-index.js';

/** How long (ms) the primary may take to say where the log ends. */
const ANSWER_LIMIT_MS = 3_000;

/** One more than the greatest key of a lock that a node may choose. */
const LOCK_KEYS = 2 ** 48 - 1;

/** How the primary is asked. */
export interface PrimaryHeadOptions {
  readonly limitMs?: number;
  /** Whether a commit of its own must prove each time that it is the primary still. */
  readonly isFenced?: boolean;
}

/**
 * Reads the head of the log from the primary, for the read index. It does not wait for ever, or one server that does
 * not answer would keep all who ask later waiting behind its query.
 */
export function primaryHead(
  databases: Databases,
  heads: CatalogHeadRepository,
  { limitMs = ANSWER_LIMIT_MS, isFenced = false }: PrimaryHeadOptions = {},
): ReadHead {
  const lockKey = randomInt(LOCK_KEYS);
  return async () =>
    await readStatement(databases, em => (isFenced ? heads.readFenced(em, lockKey) : heads.readTimed(em)), {
      purpose: 'writer',
      timeoutMs: limitMs,
    });
}
