import { Logger } from '@nestjs/common';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const DEFAULT_LIMIT_SECONDS = 20;
/** What is stopped last (the embedded PostgreSQL) still gets this long (ms) when the limit has passed. */
const LAST_CHANCE_MS = 3_000;

type Stop = (signal: string | undefined) => Promise<void>;

/**
 * Ends the process in order: what was started last is stopped first, exit code 0. Signals may come at any time, also
 * while the service starts, and more than once: with `exec` in an npm script, Ctrl-C is delivered twice.
 */
export class ProcessEnd {
  /** Seconds from the signal until the process ends whatever happens. */
  limitSeconds = DEFAULT_LIMIT_SECONDS;
  private readonly stops: Stop[] = [];
  private readonly starting = Promise.withResolvers<void>();
  private ending: Promise<void> | undefined;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, () => void (this.ending ??= this.end(signal)));
  }

  /** Something to stop at the end. */
  defer(stop: Stop): void {
    this.stops.push(stop);
  }

  /** The start is over; a signal that came meanwhile takes effect now. */
  started(): void {
    this.starting.resolve();
  }

  /** The start failed: says why in one line, stops what had been started, exit code 1. */
  async failed(error: unknown): Promise<void> {
    process.exitCode = 1;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    this.started();
    await (this.ending ??= this.end(undefined));
  }

  private async end(signal: string | undefined): Promise<void> {
    const logger = new Logger('Service');
    const timer = setTimeout(() => void this.endAnyway(logger), this.limitSeconds * 1_000);
    if (signal) logger.log(`${signal} received; finishing what is in flight`);
    await this.starting.promise;
    try {
      await this.stopAll(signal);
    } catch (error) {
      process.exitCode = 1;
      logger.error(error);
    }
    clearTimeout(timer);
    process.exit();
  }

  private async stopAll(signal?: string): Promise<void> {
    for (let stop = this.stops.pop(); stop; stop = this.stops.pop()) await stop(signal);
  }

  private async endAnyway(logger: Logger): Promise<void> {
    logger.error(`Not finished after ${this.limitSeconds} s; ending now. PCS_SHUTDOWN_GRACE_SECONDS allows more.`);
    setTimeout(() => process.exit(1), LAST_CHANCE_MS);
    await this.stopAll().catch(() => {});
    process.exit(1);
  }
}
