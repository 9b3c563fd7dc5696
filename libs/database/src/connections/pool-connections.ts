import { type Pool } from 'pg';
import { returnBrokenConnections } from './broken-connections.js';
import { type DatabaseClient } from './database-client.js';

/** How long (ms) what is under way may go on when a pool is closed; it was given its time before. */
const CLOSE_PATIENCE_MS = 1_000;

/**
 * The connections of a pool: those that break give their places back, those that lead to a server
 * that only reads are not used again, and all of them can be cut.
 */
export class PoolConnections {
  private readonly clients = new Set<DatabaseClient>();
  private answeredAt = Number.NEGATIVE_INFINITY;

  constructor(readonly pool: Pool) {
    returnBrokenConnections(pool);
    // The pool was given this class by `pgOptions`.
    pool.on('connect', client => this.clients.add(client as unknown as DatabaseClient));
    // It is ended before the pool takes it back, so that the next caller gets another one.
    pool.on('release', (error, client) => {
      const { isUnfit, isOpen } = client as unknown as DatabaseClient;
      // Its last statement was answered, with rows or with an error.
      if (!error && isOpen) this.answeredAt = performance.now();
      if (isUnfit) void client.end();
    });
    pool.on('remove', client => this.clients.delete(client as unknown as DatabaseClient));
  }

  /** When the server last answered on one of them, by `performance.now()`. */
  get answeredAtMs(): number {
    return this.answeredAt;
  }

  /** Whether all of them are in use. */
  get isFull(): boolean {
    return this.pool.idleCount === 0 && this.pool.totalCount >= (this.pool.options.max ?? 0);
  }

  /** Cuts them at once, so that callers that wait for a server that does not answer get an error. */
  sever(): void {
    for (const client of this.clients) client.destroy();
  }
}

/** Waits for the end of something, and cuts connections from time to time until it has ended: new ones may be made meanwhile. */
export async function severedUntil(ended: Promise<unknown>, sever: () => void): Promise<void> {
  const timer = setInterval(sever, CLOSE_PATIENCE_MS);
  try {
    await ended;
  } finally {
    clearInterval(timer);
  }
}
