import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock, systemClock } from '@coordination/kernel';
import { Stalls } from './stalls.js';

/** How often (ms) the event loop is expected to run the timer. */
const INTERVAL_MS = 20;

/** If the timer is later than this (ms), that is a stall. */
const STALL_MS = 100;

/** How long (ms) stalls are remembered; no judgement looks further back. */
const KEPT_MS = 15 * 60 * 1_000;

/** The longest delay (µs) that percentiles tell from longer ones: an hour. */
const LONGEST_MICROS = 3_600_000_000;

const MICROS = 1_000;

/** How late (ms) the event loop ran what was due. */
export interface LoopDelays {
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

/**
 * Knows how late the event loop of this process was, so that a class that judges others by a clock (instances, the database,
 * other nodes) can tell their silence from a *stall* of this process: too much work in one turn of the loop, too little
 * processor time, or a stopped process. Times are those of the monotonic clock, which continues while a process is stopped.
 *
 * What arrived during a stall has not been read yet when the first timers run after it. So a judgement must also allow for the
 * time that the process needs for that.
 */
@Injectable()
export class LoopDelay implements OnModuleInit, OnApplicationShutdown {
  private readonly stalls = new Stalls(KEPT_MS);
  /** In microseconds. `monitorEventLoopDelay` of Node.js would lose a stall that begins when its values are reset. */
  private readonly delays: RecordableHistogram = createHistogram({ highest: LONGEST_MICROS, figures: 2 });
  private lastRunMs: number;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly clock: Clock = systemClock) {
    this.lastRunMs = clock.monotonicMs();
  }

  onModuleInit(): void {
    // What was before is the start of the process, in which nothing is judged.
    this.lastRunMs = this.clock.monotonicMs();
    this.timer = setInterval(() => this.run(), INTERVAL_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    // A loop that is no longer observed is not late.
    this.lastRunMs = Infinity;
  }

  /**
   * For how long (ms) the loop was stalled since a time of the monotonic clock, at most 15 minutes ago: the sum of all stalls.
   * It contains the one that lasts until now, which the timer has not recorded yet: after a stop, other timers may ask before
   * it, and so may the work that holds up the loop. A stall lasts from the last time that the loop is known to have run.
   */
  stalledMsSince(sinceMs: number): number {
    const now = this.clock.monotonicMs();
    const unrecorded = this.lateMs(now) >= STALL_MS ? now - Math.max(this.lastRunMs, sinceMs) : 0;
    return this.stalls.since(sinceMs) + Math.max(0, unrecorded);
  }

  /** How many stalls there were since the process started. */
  get stallCount(): number {
    return this.stalls.count;
  }

  /** How long (ms) all stalls were together since the process started. */
  get stalledMs(): number {
    return this.stalls.totalMs;
  }

  /** How late the loop was since this was last called, in each of its turns in which the timer was due. */
  takeDelays(): LoopDelays {
    const { delays } = this;
    if (delays.count === 0) return { p50: 0, p99: 0, longest: 0 };
    const taken = {
      p50: delays.percentile(50) / MICROS,
      p99: delays.percentile(99) / MICROS,
      longest: delays.max / MICROS,
    };
    delays.reset();
    return taken;
  }

  private run(): void {
    const now = this.clock.monotonicMs();
    const lateMs = this.lateMs(now);
    // The least that it can record is 1.
    this.delays.record(Math.min(Math.max(1, Math.round(lateMs * MICROS)), LONGEST_MICROS));
    if (lateMs >= STALL_MS) this.stalls.add(this.lastRunMs, now);
    this.lastRunMs = now;
  }

  private lateMs(now: number): number {
    return now - this.lastRunMs - INTERVAL_MS;
  }
}
