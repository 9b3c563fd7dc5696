import { type Scheduler, type Stepper, type WorkOwner } from '@coordination/scheduling';

/**
 * Lets one response write in steps of the scheduler. A socket takes megabytes at once if its buffers, or those of the loopback
 * device, are large enough. Without steps the event loop would do nothing but write, for all responses that end together.
 */
export class SendPace implements Stepper {
  private waiting: (() => void) | undefined;
  private isEnded = false;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly owner: WorkOwner,
  ) {}

  /**
   * Calls a function in the next step of this response, and after the end of the pace at once.
   * @param write writes at most a slice; it replaces one that waits already
   */
  next(write: () => void): void {
    if (this.isEnded) {
      write();
      return;
    }
    this.waiting = write;
    this.scheduler.schedule(this, this.owner);
  }

  /** Must be called when the connection is closed. What waits is called now, so that nothing waits for ever. */
  end(): void {
    this.isEnded = true;
    this.scheduler.cancel(this);
    this.step();
  }

  /** For the scheduler. */
  step(): boolean {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.();
    return false;
  }
}
