import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Databases, mapStoreErrors, withSilenceTimeout } from '@coordination/database';
import { type BackgroundTask } from '@coordination/observability';
import { type IdempotencyKeyRepository } from './idempotency-key.repository.js';

const EVERY_MS = 60_000;
const JITTER = 0.5;
/** Few enough for a statement of milliseconds. */
const AT_ONCE = 1_000;
/** Between two statements, so that deleting a day's worth does not get in the way of anybody. */
const PAUSE_MS = 100;
const STATEMENT_LIMIT_MS = 4_000;

export interface ExpiredKeysOptions {
  readonly databases: Databases;
  readonly keys: IdempotencyKeyRepository;
  readonly task: BackgroundTask;
  /** Resolves when the tables are there. */
  readonly ready: Promise<unknown>;
  readonly everyMs?: number;
  readonly atOnce?: number;
}

/** Deletes keys that have expired. Every node does it: what one has taken, the others pass over. */
export class ExpiredKeysJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly ending = new AbortController();

  constructor(private readonly options: ExpiredKeysOptions) {}

  onApplicationBootstrap(): void {
    const { ready, task, everyMs = EVERY_MS } = this.options;
    const { signal } = this.ending;
    void ready.then(() => task.repeat(() => this.turn(), { everyMs, jitter: JITTER, signal }));
  }

  onModuleDestroy(): void {
    this.ending.abort();
  }

  private async turn(): Promise<number | undefined> {
    const { atOnce = AT_ONCE } = this.options;
    return (await this.deleteSome(atOnce)) === atOnce ? PAUSE_MS : undefined;
  }

  private async deleteSome(atOnce: number): Promise<number> {
    const { databases, keys } = this.options;
    const limits = { statement_timeout: STATEMENT_LIMIT_MS, tcp_user_timeout: STATEMENT_LIMIT_MS };
    return await mapStoreErrors(() =>
      withSilenceTimeout(databases, 'reads', 2 * STATEMENT_LIMIT_MS, () =>
        databases.em('reads').transactional(em => keys.deleteExpired(em, atOnce), {
          sessionContext: { variables: limits },
        }),
      ),
    );
  }
}
