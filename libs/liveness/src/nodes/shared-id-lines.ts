import { Injectable, Logger, Optional } from '@nestjs/common';
import { Clock } from '@coordination/kernel';

/** The pause (ms) between two lines. */
const SAY_EVERY_MS = 60_000;

/** Takes the lines. */
export interface NodeLog {
  warn(line: string): void;
  log(line: string): void;
}

/** The log lines about a shared node ID: one when it is noticed, one a minute while it lasts, and one when it is over. */
@Injectable()
export class SharedIdLines {
  private wasLogged = false;
  private quietUntilMs = -Infinity;

  constructor(
    private readonly clock: Clock,
    @Optional() private readonly log: NodeLog = new Logger('Nodes'),
  ) {}

  /** @param message what is wrong; undefined: nothing */
  update(message: string | undefined): void {
    if (message === undefined) {
      if (this.wasLogged) this.log.log('No other live node uses the ID of this node any more.');
      this.wasLogged = false;
      return;
    }
    const now = this.clock.monotonicMs();
    if (now < this.quietUntilMs) return;
    this.quietUntilMs = now + SAY_EVERY_MS;
    this.wasLogged = true;
    this.log.warn(message);
  }
}
