import { setImmediate } from 'node:timers/promises';
import { type Clock } from '@coordination/kernel';

/** How much may be looked at for one request. */
export interface ScanLimits {
  readonly instances: number;
  readonly milliseconds: number;
}

/** How long instances are looked at without letting others have their turn (ms). */
const TURN_MS = 10;

/** Bounds what looking at instances one by one costs a request, and everybody else. */
export class ScanBudget {
  private looks = 0;
  private readonly endsAtMs: number;
  private turnEndsAtMs: number;

  constructor(
    private readonly limits: ScanLimits,
    private readonly clock: Clock,
  ) {
    const now = clock.monotonicMs();
    this.endsAtMs = now + limits.milliseconds;
    this.turnEndsAtMs = now + TURN_MS;
  }

  /** Whether nothing more should be looked at. */
  get isSpent(): boolean {
    return this.looks >= this.limits.instances || this.clock.monotonicMs() >= this.endsAtMs;
  }

  /** Must be awaited before each look; it lets others have their turn when it is time. */
  async look(): Promise<void> {
    this.looks += 1;
    if (this.clock.monotonicMs() < this.turnEndsAtMs) return;
    await setImmediate();
    this.turnEndsAtMs = this.clock.monotonicMs() + TURN_MS;
  }
}
