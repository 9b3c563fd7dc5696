import { StoreUnavailableError } from '@coordination/kernel';
import { type BackgroundTask, BackgroundTasks } from '@coordination/observability';
import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import pLimit, { type LimitFunction } from 'p-limit';
import pRetry from 'p-retry';
import { watchLimits, type WatchLimits } from '../watch-limits.js';
import { LogPages } from './log-pages.js';
import { type LogSegment } from './log-segment.js';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 3_000;

/** The least time (ms) until a watch that made no progress reads the log again; the longest is twice that. */
const POLL_AGAIN_MS = 250;

/** Times that tests shorten. */
export interface CatchUpPace {
  readonly pollAgainMs?: number;
}

/**
 * How watches read the log when they are behind the changes in memory: few at a time, and with retries while the database is
 * unavailable.
 */
@Injectable()
export class LogCatchUp {
  private readonly task: BackgroundTask;
  private readonly limited: LimitFunction;
  private readonly pollAgainMs: number;

  constructor(
    private readonly pages: LogPages,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
    @Inject(watchLimits) { catchUps }: Pick<WatchLimits, 'catchUps'>,
    @Optional() { pollAgainMs = POLL_AGAIN_MS }: CatchUpPace = {},
    @Optional() private readonly logger: Pick<Logger, 'error'> = new Logger('Watch'),
  ) {
    this.task = tasks.task('watch-catch-up');
    this.limited = pLimit(catchUps);
    this.pollAgainMs = pollAgainMs;
  }

  /**
   * Runs work that reads the log once a slot is free for it. Logs a failure unless aborted.
   * @returns whether the work succeeded
   */
  async run(work: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
    try {
      await this.limited(work);
      return true;
    } catch (error) {
      if (!signal.aborted) this.logger.error(error, 'A watch failed');
      return false;
    }
  }

  /** The log around a revision. Retries until the database is available; rejects when aborted. */
  async segmentAround(revision: number, epoch: string, signal: AbortSignal): Promise<LogSegment> {
    return await pRetry(() => this.task.turn(() => this.pages.around(revision, epoch), signal), {
      signal,
      retries: Infinity,
      minTimeout: FIRST_RETRY_MS,
      maxTimeout: LAST_RETRY_MS,
      randomize: true,
      shouldRetry: ({ error }) => error instanceof StoreUnavailableError,
    });
  }

  /** Calls a watch later that made no progress, because the log did not have the next event yet. */
  pollAgain(work: () => void): void {
    setTimeout(work, this.pollAgainMs * (1 + Math.random())).unref();
  }
}
