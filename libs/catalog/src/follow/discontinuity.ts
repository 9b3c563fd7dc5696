import { epochStartedBy, mayFollow } from '@coordination/log';
import { type ViewHead } from '../view/catalog-view.js';
import { type LogPage } from './log-reader.js';

/** Why the log does not continue what the view holds, for people; undefined when it does. */
export function discontinuity(held: ViewHead, { head, events }: LogPage): string | undefined {
  if (head.revision < held.revision) return 'the log is shorter than it was';
  if (head.revision === held.revision && head.hash !== held.hash)
    return 'the newest event has another hash than it had';
  if (isComplete(held, head, events) && epochAfter(held, events) !== head.epoch) return 'the epoch is another one';
  if (head.revision === held.revision) return undefined;
  const next = events[0];
  if (!next || !mayFollow(held.revision, next)) return 'the next event is missing';
  return next.previousHash === held.hash ? undefined : 'the next event follows another one than the view held';
}

/** Whether the events reach the head. */
const isComplete = (held: ViewHead, head: ViewHead, events: LogPage['events']): boolean =>
  (events.at(-1) ?? held).revision === head.revision;

const epochAfter = (held: ViewHead, events: LogPage['events']): string =>
  events.reduce((epoch, event) => epochStartedBy(event)?.epoch ?? epoch, held.epoch);
