import { type LoopDelay } from '@coordination/scheduling';
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
  private timer: NodeJS.Timeout;

  constructor(
    private readonly limitMs: number,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly loop: Pick<LoopDelay, 'stalledMsSince'>,
  ) {
    this.startMs = clock.monotonicMs();
    this.timer = setTimeout(() => this.check(), limitMs);
  }

  get signal(): AbortSignal {
    return this.over.signal;
  }

  /** Whether the loop was stalled for so long that a failure does not count. */
  get isVoid(): boolean {
    return this.loop.stalledMsSince(this.startMs) >= Math.max(VOID_MS, this.limitMs / 2);
  }

  /** Ends the limit: it does not become aborted afterwards. */
  clear(): void {
    clearTimeout(this.timer);
  }

  private check(): void {
    const { clock, loop, limitMs, startMs } = this;
    const leftMs = startMs + limitMs + loop.stalledMsSince(startMs) - clock.monotonicMs();
    // Events of the network that came during a stall are handled after the timers of the same turn of the loop.
    if (leftMs > 0 && !this.isVoid) this.timer = setTimeout(() => this.check(), Math.ceil(leftMs));
    else setImmediate(() => this.over.abort(new Error('The time limit is over.')));
  }
}
