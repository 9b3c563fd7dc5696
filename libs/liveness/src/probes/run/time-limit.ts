import { AwakeTimer, type StallRecord } from '@coordination/scheduling';
import { type Clock } from '@coordination/kernel';

/** Stalls of the event loop shorter than this (ms), and than half of the limit, only make the limit longer. */
const VOID_MS = 1_000;

/**
 * The time limit of one probe. A stall of the event loop makes it longer, because an answer that came meanwhile has not been
 * read; after a long stall, a failure says nothing about the instance.
 */
export class TimeLimit {
  private readonly over = new AbortController();
  private readonly startMs: number;
  private readonly timer: AwakeTimer;

  constructor(
    private readonly limitMs: number,
    clock: Pick<Clock, 'monotonicMs'>,
    private readonly stalls: StallRecord,
  ) {
    this.startMs = clock.monotonicMs();
    this.timer = new AwakeTimer(stalls, limitMs, () => this.over.abort(new Error('The time limit is over.')), clock);
  }

  get signal(): AbortSignal {
    return this.over.signal;
  }

  /** Whether the loop was stalled for so long that a failure does not count. */
  get isVoid(): boolean {
    return this.stalls.stalledMsSince(this.startMs) >= Math.max(VOID_MS, this.limitMs / 2);
  }

  /** Ends the limit: it does not become aborted afterwards. */
  clear(): void {
    this.timer.cancel();
  }
}
