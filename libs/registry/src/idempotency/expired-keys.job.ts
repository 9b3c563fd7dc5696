import { Inject, Injectable, Optional } from '@nestjs/common';
import { Databases, mapStoreErrors, SchemaGate, withSilenceTimeout } from '@coordination/database';
import { BackgroundTasks, PeriodicJob } from '@coordination/observability';
import { IdempotencyKeyRepository } from './idempotency-key.repository.js';

const EVERY_MS = 60_000;
const JITTER = 0.5;
/** Keys that one statement deletes: few enough for it to last milliseconds. */
const AT_ONCE = 1_000;
/** Pause between two statements, so that deleting the keys of a whole day does not slow down writers. */
const PAUSE_MS = 100;
const STATEMENT_LIMIT_MS = 4_000;

/** How often keys are deleted, and how many at once. Only tests change it. */
export interface ExpiredKeysPace {
  readonly everyMs?: number;
  readonly atOnce?: number;
}

/** Deletes expired keys. All nodes do it; each skips the keys that another one has locked. */
@Injectable()
export class ExpiredKeysJob extends PeriodicJob {
  private readonly atOnce: number;

  constructor(
    private readonly databases: Databases,
    private readonly keys: IdempotencyKeyRepository,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
    @Inject(SchemaGate) schema: Pick<SchemaGate, 'opened'>,
    @Optional() { everyMs = EVERY_MS, atOnce = AT_ONCE }: ExpiredKeysPace = {},
  ) {
    super({ task: tasks.task('idempotency-key-expiry'), everyMs, jitter: JITTER, ready: schema.opened });
    this.atOnce = atOnce;
  }

  protected override async turn(): Promise<number | undefined> {
    return (await this.deleteSome()) === this.atOnce ? PAUSE_MS : undefined;
  }

  private async deleteSome(): Promise<number> {
    const { databases, keys } = this;
    const limits = { statement_timeout: STATEMENT_LIMIT_MS, tcp_user_timeout: STATEMENT_LIMIT_MS };
    return await mapStoreErrors(() =>
      withSilenceTimeout(databases, 'upkeep', 2 * STATEMENT_LIMIT_MS, () =>
        databases.em('upkeep').transactional(em => keys.deleteExpired(em, this.atOnce), {
          sessionContext: { variables: limits },
        }),
      ),
    );
  }
}
