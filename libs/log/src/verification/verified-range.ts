import { RevisionCompactedError, RevisionUnknownError, ValidationFailedError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type EventSearchRepository } from '../events/event-search.repository.js';
import { type LogCut, oldestOf } from '../retention/log-cut.js';

/** The part of the log to verify, with each end as a revision or a time; by default everything that is retained. */
export interface RequestedRange {
  /** First and last revision, both included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Earliest and latest time, both included; RFC 3339 in UTC with milliseconds. */
  readonly fromTime?: string | undefined;
  readonly toTime?: string | undefined;
}

/** The range in revisions; it is empty if `from` is above `to`. */
export interface VerifiedRange {
  readonly from: number;
  readonly to: number;
}

/** Validation message for a range that ends before it begins. */
export const END_BEFORE_BEGIN = 'must not be before `from`';

/**
 * The revisions of a range.
 * @param head the last revision of the log
 * @throws RevisionCompactedError when a part of it is no longer retained
 * @throws ValidationFailedError when a revision and a time are in the wrong order
 */
export async function verifiedRange(
  em: EntityManager,
  search: EventSearchRepository,
  requested: RequestedRange,
  { head, cut }: { readonly head: number; readonly cut: LogCut | undefined },
): Promise<VerifiedRange> {
  const first = oldestOf(cut) + 1;
  const { from, to, fromTime, toTime } = requested;
  assertRetained(requested, first, cut);
  const span = await search.spanOf(em, { from: fromTime, to: toTime });
  // After the last event of the log, a time begins directly after the head.
  const begin = from ?? Math.max(first, Math.min(span.after, head) + 1);
  const end = to ?? Math.min(span.before - 1, head);
  const isMixed = (from !== undefined && toTime !== undefined) || (fromTime !== undefined && to !== undefined);
  if (isMixed && begin > end) throw ValidationFailedError.at('/query/to', END_BEFORE_BEGIN);
  return { from: begin, to: Math.min(end, head) };
}

function assertRetained({ from, to, fromTime, toTime }: RequestedRange, first: number, cut: LogCut | undefined): void {
  for (const revision of [from, to]) {
    if (revision !== undefined && revision < first) throw new RevisionCompactedError(revision, first);
  }
  for (const time of [fromTime, toTime]) {
    if (cut && time !== undefined && time <= cut.at) throw RevisionCompactedError.before(time, first);
  }
}

/** The part of a {@link Verdict} that shows whether the range exists. */
interface VerifiedPart {
  readonly valid: boolean;
  readonly checked: number;
  readonly head: { readonly revision: number };
}

/** @throws RevisionUnknownError when a range lies above the head of the log */
export function assertReachedRange({ from }: RequestedRange, head: { readonly revision: number }): void {
  if (from !== undefined && from > head.revision) throw new RevisionUnknownError(from, 'above-head');
}

/**
 * Verifies that a requested range of revisions has events: "valid" for a range without events would be taken for a proof.
 * Between two times there may be no events.
 * @throws RevisionUnknownError when the range lies above the head, or between two epochs
 */
export function assertVerified(range: RequestedRange, { valid, checked, head }: VerifiedPart): void {
  if (!valid || checked > 0) return;
  assertReachedRange(range, head);
  const bound = range.from ?? range.to;
  if (bound !== undefined) throw new RevisionUnknownError(bound, bound > head.revision ? 'above-head' : 'ended-epoch');
}
