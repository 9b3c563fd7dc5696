import { type LogEvent } from '@coordination/log';
import { type CatalogChange, toChange, type ViewHead } from '@coordination/catalog';
import { type ResetReason } from '../sse/sse-frames.js';

/** A part of the log, for watches that are behind the changes in memory. */
export interface LogSegment {
  /** The epoch in which it was read. */
  readonly epoch: string;
  /** It contains every change after this revision… */
  readonly after: number;
  /** …up to this one. */
  readonly upTo: number;
  readonly changes: readonly CatalogChange[];
  /** Whether another epoch begins after it. */
  readonly endsEpoch: boolean;
}

/** The segment of events that follow a revision in the log. */
export function toSegment(start: number, { epoch }: Pick<ViewHead, 'epoch'>, events: readonly LogEvent[]): LogSegment {
  const first = events[0];
  const after = first === undefined || startsEpoch(first) ? start : first.revision - 1;
  let upTo = after;
  const changes: CatalogChange[] = [];
  for (const event of events) {
    if (startsEpoch(event)) return { epoch, after, upTo, changes, endsEpoch: true };
    const change = toChange(event);
    if (change) changes.push(change);
    upTo = event.revision;
  }
  return { epoch, after, upTo, changes, endsEpoch: false };
}

const startsEpoch = ({ action }: LogEvent): boolean => action === 'catalog.epoch_started';

/** Why a watcher that has everything up to a revision of an epoch cannot continue with a segment; undefined: it can. */
export function resetReasonFor(segment: LogSegment, position: number, epoch: string): ResetReason | undefined {
  if (segment.epoch !== epoch) return 'new_epoch';
  if (position < segment.after) return 'compacted';
  if (position < segment.upTo) return undefined;
  return segment.endsEpoch ? 'new_epoch' : undefined;
}
