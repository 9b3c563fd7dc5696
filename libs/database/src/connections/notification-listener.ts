import { setTimeout as delay } from 'node:timers/promises';
import pRetry, { AbortError } from 'p-retry';
import { type Client } from 'pg';
import { type BackgroundTask } from '@coordination/observability';
import { AwakeTimer, NO_STALLS, type StallRecord } from '@coordination/scheduling';
import { DatabaseClient } from './database-client.js';
import { pgOptions } from './pg-options.js';
import { type SslMode } from '../servers/tls-demand.js';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const CONNECT_TIMEOUT_MS = 3_000;
const ANSWER_TIMEOUT_MS = 5_000;

/** A connection that has lasted for so long (ms) counts as good: a pooler may accept LISTEN and close at once, again and again. */
const PROVEN_AFTER_MS = 1_000;

/** How often (ms) the connection is checked: one that was cut off without a notice would stay silent for ever. */
const CHECK_INTERVAL_MS = 15_000;

class PooledConnectionError extends Error {
  constructor() {
    super('a pooler answers, which does not pass them on; DATABASE_LISTEN_URL takes a direct connection');
  }
}

/** The channel, and what is called for its notifications. */
export interface NotificationListenerOptions {
  /** A direct connection: transaction poolers do not pass notifications on. */
  readonly url: string;
  /**
   * Whether not to listen at all where a pooler answers: LISTEN would stay behind on a session that others share, and
   * wake it for nothing with each notification. False where a setting says that the pooler keeps sessions.
   */
  readonly refusesPooler?: boolean;
  readonly ssl: SslMode;
  readonly channel: string;
  readonly onNotification: (payload: string) => void;
  /** Called each time that listening begins: notifications before that time were missed. */
  readonly onListening: () => void;
  /** Records that the connection was lost or cannot be made. */
  readonly task: BackgroundTask;
  /** The stalls of this process, which do not count as a silence of the server. */
  readonly stalls?: StallRecord;
  /** Called when a pooler answers, so that it does not listen at all. */
  readonly onPooler?: (reason: string) => void;
}

/**
 * Listens for notifications on a connection of its own and makes a new one whenever it is lost. Notifications are
 * hints: some are lost with each connection, so a caller that acts on them needs a poll as well.
 */
export class NotificationListener {
  private readonly ending = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly options: NotificationListenerOptions) {}

  start(): void {
    this.running ??= this.run(this.ending.signal);
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }

  private async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await pRetry(() => this.listenOnce(signal), {
          signal,
          retries: Infinity,
          minTimeout: FIRST_RETRY_MS,
          maxTimeout: LAST_RETRY_MS,
          randomize: true,
          onFailedAttempt: ({ error }) => this.options.task.failed(error),
        });
        // A pooler may take LISTEN and close at once, again and again.
        await delay(FIRST_RETRY_MS * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof PooledConnectionError) {
          this.options.task.rests();
          return this.options.onPooler?.(error.message);
        }
        await delay(LAST_RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** One connection, from its making to its loss. Rejects when none could be made; resolves when one was lost. */
  private async listenOnce(signal: AbortSignal): Promise<void> {
    const { url, ssl, channel, onNotification, onListening, task } = this.options;
    const client = new DatabaseClient({
      ...pgOptions(url, ssl),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      application_name: 'platform-coordination listener',
    });
    const lost = Promise.withResolvers<string>();
    client.on('error', error => lost.resolve(error.message));
    client.on('end', () => lost.resolve('the connection was closed'));
    client.on('notification', ({ payload }) => onNotification(payload ?? ''));
    const giveUp = () => {
      lost.resolve('listening was stopped');
      void client.end().catch(() => undefined);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      // `pg` leaves a connection that is ended while it is being made without any answer.
      const rejected = lost.promise.then(reason => Promise.reject(new Error(reason)));
      await Promise.race([client.connect(), rejected]);
      if (this.options.refusesPooler) await Promise.race([this.answered(assertDirect(client)), rejected]);
      const listening = this.answered(client.query(`listen ${client.escapeIdentifier(channel)}`));
      await Promise.race([listening, rejected]);
      onListening();
      const reason = await this.untilLost(client, lost.promise);
      if (!signal.aborted) task.failed(new Error(reason));
    } finally {
      signal.removeEventListener('abort', giveUp);
      giveUp();
    }
  }

  /** @throws Error when the server has not answered a statement in time */
  private async answered<T>(statement: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = new AwakeTimer(this.options.stalls ?? NO_STALLS, ANSWER_TIMEOUT_MS, () =>
      late.reject(new Error('the server did not answer')),
    );
    try {
      return await Promise.race([statement, late.promise]);
    } finally {
      timer.cancel();
      statement.catch(() => undefined);
    }
  }

  /** Sends a statement from time to time, because a dead connection looks like a silent one. */
  private async untilLost(client: DatabaseClient, lost: Promise<string>): Promise<string> {
    for (let quietMs = PROVEN_AFTER_MS; ; quietMs = CHECK_INTERVAL_MS) {
      const quiet = new AbortController();
      const timer = delay(quietMs, null, { signal: quiet.signal }).catch(() => null);
      const reason = await Promise.race([lost, timer]);
      quiet.abort();
      if (reason !== null) return reason;
      try {
        await this.answered(client.query('select 1'));
        if (client.isUnfit) return 'the server only reads';
        this.options.task.succeeded();
      } catch (error) {
        return (error as Error).message;
      }
    }
  }
}

/**
 * A server names the process that serves a connection as the connection begins (BackendKeyData); a pooler, which may
 * serve it by any process, makes the name up.
 */
async function assertDirect(client: Client): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  // `pg` keeps the process id of the server without having it in its types.
  if (rows[0]?.pid !== (client as unknown as { processID: number }).processID) {
    throw new AbortError(new PooledConnectionError());
  }
}
