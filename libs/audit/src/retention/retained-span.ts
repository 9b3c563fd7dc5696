import { RevisionCompactedError, RevisionUnknownError } from '@coordination/kernel';
import { type LogHead } from '../audit-event.js';
import { type EventFilter } from '../event-filter.js';
import { type LogCut } from './log-cut.js';

type Bounds = Pick<EventFilter, 'afterRevision' | 'beforeRevision' | 'from' | 'to'>;

/**
 * Makes sure that nothing that is asked for by its revision or time was removed. Who names no beginning means everything
 * that there is.
 * @throws RevisionCompactedError
 */
export function assertRetainedSpan(bounds: Bounds, cut: LogCut | undefined): void {
  if (!cut) return;
  const { afterRevision, beforeRevision, from, to } = bounds;
  if (afterRevision !== undefined && afterRevision < cut.revision) {
    throw new RevisionCompactedError(afterRevision, cut.revision);
  }
  if (afterRevision === undefined && beforeRevision !== undefined && beforeRevision <= cut.revision + 1) {
    throw new RevisionCompactedError(beforeRevision - 1, cut.revision);
  }
  // Texts of one form, which sort as the times do. Events of the very time of the cut may have gone.
  const early = from !== undefined && from <= cut.at ? from : to !== undefined && to < cut.at ? to : undefined;
  if (early !== undefined) throw RevisionCompactedError.before(early, cut.revision);
}

/**
 * Makes sure that the log reaches the revision after which events are asked for: whoever has it did not get it from this
 * log, and would wait for nothing.
 * @throws RevisionUnknownError
 */
export function assertReachedSpan({ afterRevision }: Bounds, head: Pick<LogHead, 'revision'>): void {
  if (afterRevision !== undefined && afterRevision > head.revision) {
    throw new RevisionUnknownError(afterRevision, 'above-head');
  }
}
