import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { type BackgroundTask } from '@coordination/observability';
import { migrate, pendingMigrations } from './migrate.js';
import { type SslMode } from './pg-options.js';

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5_000;

/** How the schema is brought about. */
export interface SchemaGateOptions {
  /** Role that may migrate, and that the check for missing migrations uses. */
  readonly url: string;
  readonly ssl: SslMode;
  /** Whether this process migrates; else it waits until somebody else has. */
  readonly migrate: boolean;
}

/**
 * Opens once the database is reachable and its schema is the one that this version needs. It starts trying when the
 * application has started and never gives up, so a service that comes up before its database lives and waits.
 * Whatever reads or writes tables at start awaits {@link opened} first.
 */
export class SchemaGate implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly giveUp = new AbortController();
  private readonly gate = Promise.withResolvers<void>();
  private open = false;

  /** @param task where tries that fail are noted */
  constructor(
    private readonly options: SchemaGateOptions,
    private readonly task?: BackgroundTask,
  ) {}

  /** Resolves when the schema is there; never, if the application ends before. */
  get opened(): Promise<void> {
    return this.gate.promise;
  }

  get isOpen(): boolean {
    return this.open;
  }

  onApplicationBootstrap(): void {
    void this.keepTrying();
  }

  onApplicationShutdown(): void {
    this.giveUp.abort();
  }

  private async keepTrying(): Promise<void> {
    const { signal } = this.giveUp;
    let said = '';
    for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
      const turn = this.task?.begin();
      const obstacle = await this.attempt();
      if (obstacle === undefined) {
        this.open = true;
        this.gate.resolve();
        turn?.succeeded();
        return;
      }
      if (!signal.aborted) turn?.failed(new Error(obstacle));
      if (obstacle !== said && !signal.aborted) this.logger.warn(`${obstacle} Trying again until it works.`);
      said = obstacle;
      await delay(retryMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
    }
  }

  /** What stands in the way, as a sentence; undefined when nothing does. */
  private async attempt(): Promise<string | undefined> {
    const { url, ssl } = this.options;
    try {
      if (this.options.migrate) {
        const done = await migrate(url, { ssl });
        if (done.length > 0) this.logger.log(`Migrations applied: ${done.join(', ')}`);
        return undefined;
      }
      const missing = await pendingMigrations(url, ssl);
      if (missing.length === 0) return undefined;
      return `The database lacks ${missing.length} migrations: run \`npm run migrate\`, or set PCS_MIGRATE_ON_START=on.`;
    } catch (error) {
      return `The database cannot be prepared: ${describe(error)}.`;
    }
  }
}

/** Node.js reports refused connections to a name with several addresses as an error without a message. */
function describe(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
