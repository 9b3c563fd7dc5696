import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type BackgroundTask } from '@coordination/observability';
import { type LogHead } from '@coordination/log';

const HOUR_MS = 3_600_000;
const JITTER = 0.1;

/** What the job needs. */
export interface HeadAnchorOptions {
  readonly readHead: () => Promise<LogHead>;
  readonly task: BackgroundTask;
  /** Resolves when the head can be read for the first time; never, if it never can. */
  readonly ready: Promise<unknown>;
  readonly everyMs?: number;
}

/**
 * Writes the head of the log into the service's own log, at start and every hour. Kept elsewhere, as logs are, such a
 * line proves later what the log was then: see docs/audit.md.
 */
export class HeadAnchorJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Audit');
  private readonly ending = new AbortController();

  constructor(private readonly options: HeadAnchorOptions) {}

  onApplicationBootstrap(): void {
    const { ready, task, everyMs = HOUR_MS } = this.options;
    const { signal } = this.ending;
    void ready.then(() => task.repeat(() => this.note(), { everyMs, jitter: JITTER, signal }));
  }

  onModuleDestroy(): void {
    this.ending.abort();
  }

  private async note(): Promise<void> {
    const { revision, hash, epoch, at } = await this.options.readHead();
    this.logger.log({ msg: 'Head of the log: an anchor to verify it by later', revision, hash, epoch, at });
  }
}
