import { currentRequest } from '@coordination/context';
import { type Scheduler, type Turn } from '@coordination/scheduling';

/** How much one request may scan of the past. */
export interface PastScanLimits {
  readonly instances: number;
  /** Processor time of the request itself. It does not count how long the request waits for others, or for the database. */
  readonly milliseconds: number;
}

/** Bounds a scan of instances of the past, which runs in slices. */
export class PastScan {
  private steps = 0;

  private constructor(
    readonly turn: Turn,
    private readonly limits: PastScanLimits,
  ) {}

  /** Begins the scan of a request. */
  static begin(scheduler: Scheduler, limits: PastScanLimits): PastScan {
    return new PastScan(scheduler.begin({ workClass: 'heavy', client: currentRequest()?.clientAddress }), limits);
  }

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
