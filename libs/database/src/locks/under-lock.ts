import { setTimeout as delay } from 'node:timers/promises';
import pRetry from 'p-retry';
import { DatabaseClient } from '../connections/database-client.js';
import { pgOptions } from '../connections/pg-options.js';
import { type SslMode } from '../servers/tls-demand.js';

const CONNECT_TIMEOUT_MS = 5_000;

/** How often (ms) the server is checked, and how long it may take to answer. */
const ASK_EVERY_MS = 5_000;
const ANSWER_TIMEOUT_MS = 10_000;

/** After how long (ms) without a statement the server considers the holder gone, and releases the lock. */
const HOLDER_SILENCE_MS = 60_000;

/** How long (ms) the work may take to end when the lock is lost: its connections are cut, so it has nothing to wait for. */
const STOP_PATIENCE_MS = 10_000;

/** How often (ms) a waiting process tries to take the lock: at first, and at the most. */
const FIRST_TRY_AGAIN_MS = 50;
const LAST_TRY_AGAIN_MS = 1_000;

class LockTakenError extends Error {}

/** A connection was lost that the work depended on. The message names it, the reason, and the work that was stopped. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

/** A lock of a database that one process at a time has. */
export interface LockOptions {
  readonly url: string;
  readonly ssl: SslMode;
  /** Key of the lock: an arbitrary number that nothing else in the database uses. */
  readonly key: number;
  /** The work, as messages name it: `the migration`. */
  readonly work: string;
  /** Application name of the connection. */
  readonly application: string;
  /** The message where another process has the lock; without it, the lock is waited for. */
  readonly refusal?: string;
  /** Ends the waiting, or the work. */
  readonly signal?: AbortSignal;
}

/**
 * Runs work while this process has a lock, which is held by a connection of its own. It is the lock of a transaction, because
 * a pooler in transaction mode gives the session, and its locks, to another client after each; and processes that wait for it
 * do so without a transaction, because they would take the pooler's sessions from its holder.
 *
 * The server is checked all the time: so a silent server ends the work, which itself may wait for it without a limit; and a
 * holder that is paused, or whose machine is gone, loses the lock.
 * @param work must end soon when the signal that it gets is aborted: then the lock is lost
 * @throws ConnectionLostError when it was lost before the work had ended
 */
export async function underLock<T>(options: LockOptions, work: (lost: AbortSignal) => Promise<T>): Promise<T> {
  const client = new DatabaseClient({
    ...pgOptions(options.url, options.ssl),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    application_name: options.application,
  });
  const losing = new AbortController();
  const { signal: lost } = losing;
  const asking = new AbortController();
  const given = () => losing.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', given, { once: true });
  lost.addEventListener('abort', () => client.destroy(), { once: true });
  try {
    options.signal?.throwIfAborted();
    await client.connect();
    await takeLock(client, options, lost);
    client.on('error', error => losing.abort(lostBy(options, error.message)));
    client.on('end', () => losing.abort(lostBy(options, 'the connection was closed')));
    void keepAsking(client, asking.signal).catch((error: Error) => losing.abort(lostBy(options, error.message)));
    const done = await orLost(work(lost), lost);
    asking.abort();
    // A pooler counts a connection that ends within a transaction as a failure. The work is done, even if this fails.
    await client.query('commit').catch(() => undefined);
    return done;
  } catch (error) {
    throw lost.aborted ? lost.reason : error;
  } finally {
    asking.abort();
    options.signal?.removeEventListener('abort', given);
    await client.end();
  }
}

const lostBy = ({ work }: LockOptions, reason: string): ConnectionLostError =>
  new ConnectionLostError(
    `The connection that holds the lock of ${work} was lost (${reason.replace(/\.$/, '')}), so ${work} was stopped.`,
  );

/** Takes the lock for a transaction that lasts until the connection ends, however long that is. */
async function takeLock(client: DatabaseClient, { key, refusal }: LockOptions, lost: AbortSignal): Promise<void> {
  const attempt = async () => {
    await client.query('begin');
    await client.query(`set local idle_in_transaction_session_timeout = ${HOLDER_SILENCE_MS}`);
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [key]);
    if (rows[0]?.taken) return;
    await client.query('rollback');
    throw refusal === undefined ? new LockTakenError() : new Error(refusal);
  };
  await pRetry(attempt, {
    retries: Infinity,
    minTimeout: FIRST_TRY_AGAIN_MS,
    maxTimeout: LAST_TRY_AGAIN_MS,
    randomize: true,
    signal: lost,
    shouldRetry: ({ error }) => error instanceof LockTakenError,
  });
}

/** Checks the server from time to time. Fails when it does not answer; ends when the signal is aborted. */
async function keepAsking(client: DatabaseClient, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await client.query('select 1').catch(explain);
  }
}

function explain(error: Error): never {
  if (error.message !== 'Query read timeout') throw error;
  throw new Error(`the server has not answered for ${ANSWER_TIMEOUT_MS / 1_000} s`, { cause: error });
}

/** Returns the result of the work; where the lock is lost, it waits for the end of the work for a bounded time. */
async function orLost<T>(work: Promise<T>, lost: AbortSignal): Promise<T> {
  const over = Promise.withResolvers<never>();
  const given = () => setTimeout(() => over.reject(lost.reason as Error), STOP_PATIENCE_MS).unref();
  lost.addEventListener('abort', given, { once: true });
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    lost.removeEventListener('abort', given);
  }
}
