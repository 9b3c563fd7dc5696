import { RevisionCompactedError, RevisionUnknownError } from '@coordination/kernel';
import { type LogHead } from '../events/log-event.js';
import { type EventBounds } from '../events/event-filter.js';
import { type LogCut } from './log-cut.js';

/**
 * Verifies that no event within the bounds was removed. Without a lower bound, all retained events are meant.
 * @throws RevisionCompactedError
 */
export function assertRetainedSpan(bounds: EventBounds, cut: LogCut | undefined): void {
  if (!cut) return;
  const { afterRevision, beforeRevision, fromRevision, toRevision, from, to, after, before } = bounds;
  if (fromRevision !== undefined && fromRevision <= cut.revision) {
    throw new RevisionCompactedError(fromRevision, cut.revision + 1);
  }
  if (afterRevision !== undefined && afterRevision < cut.revision) {
    throw new RevisionCompactedError(afterRevision, cut.revision);
  }
  const hasBegin = afterRevision !== undefined || fromRevision !== undefined;
  if (!hasBegin && beforeRevision !== undefined && beforeRevision <= cut.revision + 1) {
    throw new RevisionCompactedError(beforeRevision - 1, cut.revision);
  }
  if (!hasBegin && toRevision !== undefined && toRevision <= cut.revision) {
    throw new RevisionCompactedError(toRevision, cut.revision + 1);
  }
  // The texts have one format, and sort like the times. Events with exactly the time of the cut may have been removed.
  const early = [
    from !== undefined && from <= cut.at && from,
    after !== undefined && after < cut.at && after,
    to !== undefined && to < cut.at && to,
    before !== undefined && before <= cut.at && before,
  ].find(time => time !== false);
  if (early !== undefined) throw RevisionCompactedError.before(early, cut.revision);
}

/**
 * Verifies that the lower bound is not above the head: such a revision comes from another history. `fromRevision` may be the
 * next revision.
 * @throws RevisionUnknownError
 */
export function assertReachedSpan(bounds: EventBounds, head: Pick<LogHead, 'revision'>): void {
  const { afterRevision, fromRevision } = bounds;
  if (afterRevision !== undefined && afterRevision > head.revision) {
    throw new RevisionUnknownError(afterRevision, 'above-head');
  }
  if (fromRevision !== undefined && fromRevision > head.revision + 1) {
    throw new RevisionUnknownError(fromRevision, 'above-head');
  }
}
