import { Logger } from '@nestjs/common';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const DEFAULT_LIMIT_SECONDS = 20;
/** After the limit, the resources that are not stopped yet (at least the embedded PostgreSQL) get this much more time (ms). */
const LAST_CHANCE_MS = 3_000;

type Stop = (signal: string | undefined) => Promise<void>;

/**
 * Shuts the process down in order: resources are stopped in the reverse order of their start, exit code 0. Signals may arrive at
 * any time, also during the start, and more than once: with `exec` in an npm script, Ctrl-C is delivered twice.
 */
export class ProcessEnd {
  /** Seconds from the signal until the process ends in any case. */
  limitSeconds = DEFAULT_LIMIT_SECONDS;
  private readonly stops: Stop[] = [];
  private readonly starting = Promise.withResolvers<void>();
  private ending: Promise<void> | undefined;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, () => void (this.ending ??= this.end(signal)));
  }

  /** Registers a function that stops a resource during the shutdown. */
  defer(stop: Stop): void {
    this.stops.push(stop);
  }

  /** Marks the end of the start; a signal that arrived during the start takes effect now. */
  started(): void {
    this.starting.resolve();
  }

  /** Handles a failed start: prints the error in one line, stops the started resources, exit code 1. */
  async failed(error: unknown): Promise<void> {
    process.exitCode = 1;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    this.started();
    await (this.ending ??= this.end(undefined));
  }

  private async end(signal: string | undefined): Promise<void> {
    const logger = new Logger('Service');
    const timer = setTimeout(() => void this.endAnyway(logger), this.limitSeconds * 1_000);
    if (signal) logger.log(`${signal} received; finishing requests in flight`);
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
    logger.error(
      `Not finished after ${this.limitSeconds} s; ending now. To allow more time, raise PCS_SHUTDOWN_GRACE_SECONDS.`,
    );
    setTimeout(() => process.exit(1), LAST_CHANCE_MS);
    await this.stopAll().catch(() => {});
    process.exit(1);
  }
}
