import { Inject, Injectable } from '@nestjs/common';
import { type LogHead, type TimedHead } from '../events/log-event.js';
import { type HeadSource } from './head-source.js';
import { PrimaryHead } from './primary-head.js';

/**
 * A read index: one query serves all callers that asked before it was sent. The head that they get includes every change
 * that any node had acknowledged before they asked.
 */
@Injectable()
export class ReadIndex<Head extends LogHead = TimedHead> {
  private next: Promise<Head> | undefined;
  private running: Promise<unknown> = Promise.resolve();
  private sent = 0;

  constructor(@Inject(PrimaryHead) private readonly source: HeadSource<Head>) {}

  /** How many queries were sent. */
  get queries(): number {
    return this.sent;
  }

  /** The head at some moment after this call. Rejects when the primary cannot be asked. */
  current(): Promise<Head> {
    this.next ??= this.queue();
    return this.next;
  }

  /** Callers that ask while a query is under way share the one after it, which is sent when the first has ended. */
  private async queue(): Promise<Head> {
    await this.running;
    this.next = undefined;
    this.sent += 1;
    const query = this.source.read();
    this.running = query.catch(() => undefined);
    return await query;
  }
}
