import { type Clock } from '@coordination/kernel';
import { type LimitReached } from './connection-table.js';

/** How often (ms) a line may be written. */
const SAY_EVERY_MS = 10_000;

/** What happened at a limit. */
export type CrowdedEvent = 'closed' | 'refused';

/** Takes a warning. */
export type Warn = (line: object) => void;

/**
 * The log lines about connections that were closed or refused at a limit: one at once, then at most one in ten seconds with
 * what has happened since the last one.
 */
export class ConnectionLines {
  private quietUntilMs = -Infinity;
  private counts = none();

  constructor(
    private readonly max: number,
    private readonly warn: Warn,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  note(event: CrowdedEvent, because: LimitReached): void {
    this.counts[event] += 1;
    this.counts[because] += 1;
    const now = this.clock.monotonicMs();
    if (now < this.quietUntilMs) return;
    this.quietUntilMs = now + SAY_EVERY_MS;
    const { closed, refused, address, all } = this.counts;
    this.counts = none();
    this.warn({
      msg:
        `Since the last such line, ${closed} idle connections were closed for new ones, and ${refused} new connections were ` +
        `refused because none was idle: ${all} because ${this.max} connections are open (PCS_CONNECTIONS_MAX, or the limit of ` +
        `descriptors less those that are held back), ${address} because one address has half of them.`,
      closed,
      refused,
      connectionsMax: this.max,
    });
  }
}

const none = () => ({ closed: 0, refused: 0, address: 0, all: 0 });
