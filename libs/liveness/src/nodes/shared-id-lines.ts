import { type Clock } from '@coordination/kernel';

/** How often (ms) it is said. */
const SAY_EVERY_MS = 60_000;

/** Where the lines go. */
export interface NodeLog {
  warn(line: string): void;
  log(line: string): void;
}

/** The log lines about a shared node ID: one when it is noticed, then one a minute while it lasts, and one when it is over. */
export class SharedIdLines {
  private said = false;
  private quietUntilMs = -Infinity;

  constructor(
    private readonly log: NodeLog,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  /** @param message what is wrong; undefined: nothing */
  tell(message: string | undefined): void {
    if (message === undefined) {
      if (this.said) this.log.log('No other live node uses the ID of this node any more.');
      this.said = false;
      return;
    }
    const now = this.clock.monotonicMs();
    if (now < this.quietUntilMs) return;
    this.quietUntilMs = now + SAY_EVERY_MS;
    this.said = true;
    this.log.warn(message);
  }
}
