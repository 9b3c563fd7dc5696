import { type LogHead, type TimedHead } from '../events/log-event.js';

/** The head of the log, read from the primary after the caller asked. */
export type ReadHead<Head extends LogHead = TimedHead> = () => Promise<Head>;

/**
 * A read index: one query for all who asked before it was sent. Whoever gets its answer knows every change that was
 * acknowledged before they asked, on any node.
 */
export class ReadIndex<Head extends LogHead = TimedHead> {
  private next: Promise<Head> | undefined;
  private running: Promise<unknown> = Promise.resolve();
  private sent = 0;

  constructor(private readonly readHead: ReadHead<Head>) {}

  /** How many queries were sent. */
  get queries(): number {
    return this.sent;
  }

  /** The head at some moment after this call. Rejects when the primary cannot be asked. */
  current(): Promise<Head> {
    this.next ??= this.queue();
    return this.next;
  }

  /** Everybody who asks while a query is under way waits for the one after it, which is sent when that ends. */
  private async queue(): Promise<Head> {
    await this.running;
    this.next = undefined;
    this.sent += 1;
    const query = this.readHead();
    this.running = query.catch(() => undefined);
    return await query;
  }
}
