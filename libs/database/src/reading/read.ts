import { IsolationLevel } from '@mikro-orm/core';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type Databases, type Purpose } from '../connections/databases.js';
import { withSilenceTimeout } from './silence-timeout.js';
import { mapStoreErrors } from '../errors/store-errors.js';

/** Default limit (ms) of one statement of a read. */
export const READ_TIMEOUT_MS = 4_000;

/** A server that has not answered for this many times the limit of a statement counts as silent. */
export const SILENCE_FACTOR = 3;

/** How a read is done. */
export interface ReadOptions {
  /** The purpose whose connections it uses; `reads` by default. */
  readonly purpose?: Purpose;
  /** How long one statement may run, and how long the transaction may idle between two (ms). */
  readonly timeoutMs?: number;
  /** Further settings of PostgreSQL for this transaction, such as what its planner may do. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * Runs a read in a transaction of its own that sees one snapshot, can change nothing, and is ended by the server when
 * it takes too long. An open snapshot slows the head of the log down for all nodes, so `work` must wait for nothing but the
 * database, and send few statements; many only if it calls `onAnswer` after each.
 * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
 * @throws OverloadedError when other reads of this node use all connections for reads
 */
export async function readSnapshot<T>(
  databases: Databases,
  work: (em: EntityManager, onAnswer: () => void) => Promise<T>,
  { purpose = 'reads', timeoutMs = READ_TIMEOUT_MS, settings = {} }: ReadOptions = {},
): Promise<T> {
  const transaction = {
    readOnly: true,
    isolationLevel: IsolationLevel.REPEATABLE_READ,
    // Local to the transaction: poolers drop session settings. The last one ends a backend that is blocked on
    // sending to a node that was stopped; the others do not.
    sessionContext: {
      variables: {
        ...settings,
        statement_timeout: timeoutMs,
        idle_in_transaction_session_timeout: timeoutMs,
        tcp_user_timeout: timeoutMs,
      },
    },
  };
  // A server that is cut off cannot end its statements, so this side ends the wait for it.
  return await mapStoreErrors(() =>
    withSilenceTimeout(databases, purpose, SILENCE_FACTOR * timeoutMs, onAnswer =>
      databases.em(purpose).transactional(em => work(em, onAnswer), transaction),
    ),
  );
}
