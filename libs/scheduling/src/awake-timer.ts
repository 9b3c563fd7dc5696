import { type Clock, systemClock } from '@coordination/kernel';
import { type LoopDelay } from './loop-delay.js';

/** The stalls of this process: times in which its event loop ran nothing. */
export type StallRecord = Pick<LoopDelay, 'stalledMsSince'>;

/** For commands that run alone, and for tests: a process that is never stalled. */
export const NO_STALLS: StallRecord = { stalledMsSince: () => 0 };

/** For how long (ms) the event loop has run since a monotonic time (ms): the time that has passed, without the stalls. */
export const awakeMsSince = (
  stalls: StallRecord,
  sinceMs: number,
  clock: Pick<Clock, 'monotonicMs'> = systemClock,
): number => {
  const stalledMs = stalls.stalledMsSince(sinceMs);
  return clock.monotonicMs() - sinceMs - stalledMs;
};

/** Timers of Node.js have a resolution of a millisecond, and may fire a fraction of it early. */
const RESOLUTION_MS = 1;

/**
 * A timer that waits for another party, such as the database or a probed instance, and counts only the time in which the event
 * loop of this process ran. After a stall, Node.js runs timers that are due before it reads the sockets, so an ordinary timer
 * would fire although the answer has arrived. This one fires when the other party has had its whole time while this process
 * could read, and after one more poll of the sockets.
 */
export class AwakeTimer {
  private startedMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private lastLook: NodeJS.Immediate | undefined;

  /**
   * Starts it.
   * @param ms how long the event loop must have run
   * @param onDue is called once for each start
   */
  constructor(
    private readonly stalls: StallRecord,
    private readonly ms: number,
    private readonly onDue: () => void,
    private readonly clock: Pick<Clock, 'monotonicMs'> = systemClock,
  ) {
    this.restart();
  }

  /** Starts it again, with its whole time, whether or not it has fired. */
  restart(): void {
    this.cancel();
    this.startedMs = this.clock.monotonicMs();
    this.wait(this.ms);
  }

  cancel(): void {
    clearTimeout(this.timer);
    clearImmediate(this.lastLook);
  }

  private wait(ms: number): void {
    this.timer = setTimeout(() => this.check(), ms);
  }

  private check(): void {
    const leftMs = this.ms - awakeMsSince(this.stalls, this.startedMs, this.clock);
    if (leftMs >= RESOLUTION_MS) this.wait(leftMs);
    // Immediates run after the sockets have been read, and what has arrived may cancel this timer.
    else this.lastLook = setImmediate(this.onDue);
  }
}
