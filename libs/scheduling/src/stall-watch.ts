import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit, Optional } from '@nestjs/common';
import { Clock } from '@coordination/kernel';
import { BackgroundTasks } from '@coordination/observability';
import { LoopDelay } from './loop-delay.js';

/** How often (ms) it looks for stalls. */
const LOOK_MS = 100;

/** There is at most one log line in this time (ms). */
const LINE_MS = 10_000;

/** Stalls that are shorter than this (ms) in sum are in the metrics, and not worth a log line. */
const WORTH_A_LINE_MS = 1_000;

/** The stalls of this process, as `/health` shows them. */
export interface StallOverview {
  /** How many there were since the start. */
  readonly count: number;
  /** Their length in sum. */
  readonly seconds: number;
  readonly last: { readonly seconds: number; readonly endedAt: string } | null;
}

/** Takes a log line. */
export type StallLog = Pick<Logger, 'warn'>;

/** Reports the stalls of this process to people: in the log, at a bounded rate, and in `/health`. */
@Injectable()
export class StallWatch implements OnModuleInit, OnApplicationShutdown {
  private count = 0;
  private sumMs = 0;
  private last: StallOverview['last'] = null;
  private unreported = { count: 0, ms: 0, longestMs: 0 };
  private lookedAtMs: number;
  private lineAtMs = -Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(LoopDelay) private readonly delay: Pick<LoopDelay, 'stalledMsSince'>,
    private readonly clock: Clock,
    @Inject(BackgroundTasks) private readonly tasks: Pick<BackgroundTasks, 'discountStalls'>,
    @Optional() private readonly log: StallLog = new Logger('Process'),
  ) {
    this.lookedAtMs = clock.monotonicMs();
  }

  onModuleInit(): void {
    this.tasks.discountStalls(sinceMs => this.delay.stalledMsSince(sinceMs));
    this.lookedAtMs = this.clock.monotonicMs();
    this.timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  overview(): StallOverview {
    this.look();
    return { count: this.count, seconds: this.sumMs / 1_000, last: this.last };
  }

  private look(): void {
    const now = this.clock.monotonicMs();
    const ms = Math.round(this.delay.stalledMsSince(this.lookedAtMs));
    this.lookedAtMs = now;
    if (ms > 0) this.note(ms);
    if (this.unreported.ms >= WORTH_A_LINE_MS && now - this.lineAtMs >= LINE_MS) this.report(now);
  }

  private note(ms: number): void {
    const { unreported } = this;
    this.count += 1;
    this.sumMs += ms;
    this.last = { seconds: ms / 1_000, endedAt: this.clock.now().toISOString() };
    this.unreported = {
      count: unreported.count + 1,
      ms: unreported.ms + ms,
      longestMs: Math.max(unreported.longestMs, ms),
    };
  }

  private report(now: number): void {
    const { count, ms, longestMs } = this.unreported;
    this.lineAtMs = now;
    this.unreported = { count: 0, ms: 0, longestMs: 0 };
    const times = count === 1 ? '' : ` in ${count} stalls, the longest of which took ${longestMs / 1_000} s`;
    this.log.warn({
      msg:
        `The event loop of this process ran nothing for ${ms / 1_000} s${times}: the process was stopped, had no processor time, or ` +
        'did too much in one turn. Stalls do not count against instances and the database; see "When a node stalls" in docs/operations.md.',
      stalledMs: ms,
      stalls: count,
      longestMs,
    });
  }
}
