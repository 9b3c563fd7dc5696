import { type LogHead, type TimedHead } from '../events/log-event.js';

/** Reads the head of the log from the primary. */
export interface HeadSource<Head extends LogHead = TimedHead> {
  read(): Promise<Head>;
}
