import { type LogEvent } from '@coordination/log';
import { type CatalogChange, toChange, type ViewHead } from '@coordination/catalog';
import { type ResetReason } from './sse-frames.js';

/** Some of the log, for watchers that lie behind what is in memory. */
export interface LogSegment {
  /** The epoch in which it was read. */
  readonly epoch: string;
  /** It has every change after this revision… */
  readonly after: number;
  /** …up to this one. */
  readonly upTo: number;
  readonly changes: readonly CatalogChange[];
  /** Whether another epoch begins after it. */
  readonly endsEpoch: boolean;
}

/** What events that follow a revision in the log say. */
export function toStretch(start: number, { epoch }: Pick<ViewHead, 'epoch'>, events: readonly LogEvent[]): LogSegment {
  const first = events[0];
  const begins = first === undefined || startsEpoch(first) ? start : first.revision - 1;
  let upTo = begins;
  const changes: CatalogChange[] = [];
  for (const event of events) {
    if (startsEpoch(event)) return stretch(true);
    const change = toChange(event);
    if (change) changes.push(change);
    upTo = event.revision;
  }
  return stretch(false);

  function stretch(endsEpoch: boolean): LogSegment {
    return { epoch, after: begins, upTo, changes, endsEpoch };
  }
}

const startsEpoch = ({ action }: LogEvent): boolean => action === 'catalog.epoch_started';

/** Why somebody who has everything up to a revision of an epoch cannot go on with a stretch; undefined: they can. */
export function resetReasonFor(stretch: LogSegment, position: number, epoch: string): ResetReason | undefined {
  if (stretch.epoch !== epoch) return 'new_epoch';
  if (position < stretch.after) return 'compacted';
  if (position < stretch.upTo) return undefined;
  return stretch.endsEpoch ? 'new_epoch' : undefined;
}
