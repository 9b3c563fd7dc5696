import { RevisionCompactedError, RevisionUnknownError, ValidationFailedError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type EventSearchRepository } from '../events/event-search.repository.js';
import { type LogCut, oldestOf } from '../retention/log-cut.js';

/** The part of the log that is to be verified, each end by a revision or by a time; all that is retained by default. */
export interface AskedRange {
  /** First and last revision, both included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Earliest and latest time, both included; RFC 3339 in UTC with milliseconds. */
  readonly fromTime?: string | undefined;
  readonly toTime?: string | undefined;
}

/** The same in revisions; a `from` after `to` is a part without events. */
export interface VerifiedRange {
  readonly from: number;
  readonly to: number;
}

/** What is wrong with a range that ends before it begins. */
export const TURNED_ROUND = 'must not be before `from`';

/**
 * The revisions of a range.
 * @param head the last revision of the log
 * @throws RevisionCompactedError when some of it lies before what is retained
 * @throws ValidationFailedError when a revision and a time are in the wrong order
 */
export async function verifiedRange(
  em: EntityManager,
  search: EventSearchRepository,
  asked: AskedRange,
  { head, cut }: { readonly head: number; readonly cut: LogCut | undefined },
): Promise<VerifiedRange> {
  const first = oldestOf(cut) + 1;
  const { from, to, fromTime, toTime } = asked;
  assertRetained(asked, first, cut);
  const span = await search.spanOf(em, { from: fromTime, to: toTime });
  // A time after all events begins behind them.
  const begin = from ?? Math.max(first, Math.min(span.after, head) + 1);
  const end = to ?? Math.min(span.before - 1, head);
  const isMixed = (from !== undefined && toTime !== undefined) || (fromTime !== undefined && to !== undefined);
  if (isMixed && begin > end) throw new ValidationFailedError([{ path: '/query/to', message: TURNED_ROUND }]);
  return { from: begin, to: Math.min(end, head) };
}

function assertRetained({ from, to, fromTime, toTime }: AskedRange, first: number, cut: LogCut | undefined): void {
  for (const revision of [from, to]) {
    if (revision !== undefined && revision < first) throw new RevisionCompactedError(revision, first);
  }
  for (const time of [fromTime, toTime]) {
    if (cut && time !== undefined && time <= cut.at) throw RevisionCompactedError.before(time, first);
  }
}

/** What a verification found, as far as it tells whether the range exists. */
interface FoundInRange {
  readonly valid: boolean;
  readonly checked: number;
  readonly head: { readonly revision: number };
}

/** @throws RevisionUnknownError when a range lies above the head of the log */
export function assertReachedRange({ from }: AskedRange, head: { readonly revision: number }): void {
  if (from !== undefined && from > head.revision) throw new RevisionUnknownError(from, 'above-head');
}

/**
 * Makes sure that something was verified where a range of revisions was asked for: that nothing is wrong with no event at
 * all would be taken for a proof. Between two times nothing may have changed.
 * @throws RevisionUnknownError when the range lies above the head, or between two epochs
 */
export function assertVerified(range: AskedRange, { valid, checked, head }: FoundInRange): void {
  if (!valid || checked > 0) return;
  assertReachedRange(range, head);
  const bound = range.from ?? range.to;
  if (bound !== undefined) throw new RevisionUnknownError(bound, bound > head.revision ? 'above-head' : 'ended-epoch');
}
