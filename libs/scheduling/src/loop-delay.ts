import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock, systemClock } from '@coordination/kernel';

/** How often (ms) the event loop is expected to run the timer. */
const INTERVAL_MS = 20;

/** Delays (ms) shorter than this are no stalls. */
const STALL_MS = 100;

/** How long (ms) stalls are remembered; no judgement looks further back. */
const KEPT_MS = 15 * 60 * 1_000;

/** A time during which the event loop of this process ran nothing else. */
interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Knows how late the event loop of this process was, so that a class that judges others by a clock (instances, the database,
 * other nodes) can tell their silence from a stall of this process: too much work in one turn of the loop, too little
 * processor time, or a stopped process. Times are those of the monotonic clock, which continues while a process is stopped.
 */
@Injectable()
export class LoopDelay implements OnModuleInit, OnApplicationShutdown {
  private readonly stalls: Stall[] = [];
  private lastRunMs: number;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly clock: Clock = systemClock) {
    this.lastRunMs = clock.monotonicMs();
  }

  onModuleInit(): void {
    this.lastRunMs = this.clock.monotonicMs();
    this.timer = setInterval(() => this.tick(), INTERVAL_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /**
   * For how long (ms) the loop was stalled since a time of the monotonic clock: the sum of all stalls, with the one that has
   * not been recorded yet because its end is now.
   */
  stalledMsSince(sinceMs: number): number {
    this.tick();
    let sum = 0;
    for (const { fromMs, toMs } of this.stalls) sum += Math.max(0, toMs - Math.max(fromMs, sinceMs));
    return sum;
  }

  /** Records a stall that ends now. */
  private tick(): void {
    const now = this.clock.monotonicMs();
    const dueMs = this.lastRunMs + INTERVAL_MS;
    this.lastRunMs = now;
    if (now - dueMs < STALL_MS) return;
    this.stalls.push({ fromMs: dueMs, toMs: now });
    while (this.stalls[0] && this.stalls[0].toMs < now - KEPT_MS) this.stalls.shift();
  }
}
