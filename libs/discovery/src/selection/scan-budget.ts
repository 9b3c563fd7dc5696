import { setImmediate } from 'node:timers/promises';
import { type Clock } from '@coordination/kernel';

/** How much one request may scan. */
export interface ScanLimits {
  readonly instances: number;
  readonly milliseconds: number;
}

/** How long (ms) a scan works before other work may run. */
const TURN_MS = 10;

/** Bounds a scan of instances, and lets other work run in between. */
export class ScanBudget {
  private steps = 0;
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

  /** Whether the scan must end. */
  get isSpent(): boolean {
    return this.steps >= this.limits.instances || this.clock.monotonicMs() >= this.endsAtMs;
  }

  /** Must be awaited before each instance is scanned. */
  async step(): Promise<void> {
    this.steps += 1;
    if (this.clock.monotonicMs() < this.turnEndsAtMs) return;
    await setImmediate();
    this.turnEndsAtMs = this.clock.monotonicMs() + TURN_MS;
  }
}
