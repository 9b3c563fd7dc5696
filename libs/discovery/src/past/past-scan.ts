import { type Turn } from '@coordination/scheduling';

/** How much one request may scan of the past. */
export interface PastScanLimits {
  readonly instances: number;
  /** Processor time of the request itself. It does not count how long the request waits for others, or for the database. */
  readonly milliseconds: number;
}

/** Bounds a scan of instances of the past, which runs in slices. */
export class PastScan {
  private steps = 0;

  /** @param turn in whose slices it runs; its time counts from the beginning of the turn */
  constructor(
    readonly turn: Turn,
    private readonly limits: PastScanLimits,
  ) {}

  /** Whether the scan must end. */
  get isSpent(): boolean {
    return this.steps >= this.limits.instances || this.turn.spentMs >= this.limits.milliseconds;
  }

  /** Must be awaited before each instance is scanned. */
  async step(): Promise<void> {
    this.steps += 1;
    if (this.turn.isOver) await this.turn.next();
  }
}
