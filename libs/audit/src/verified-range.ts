import { RevisionUnknownError } from '@coordination/kernel';
import { type Verdict, type Verification } from './chain-verifier.service.js';

type Range = Pick<Verification, 'from' | 'to'>;

/** @throws RevisionUnknownError when a range lies above the head of the log */
export function assertReachedRange({ from }: Range, head: { readonly revision: number }): void {
  if (from !== undefined && from > head.revision) throw new RevisionUnknownError(from, 'above-head');
}

/**
 * Makes sure that something was verified where a range was asked for: that nothing is wrong with no event at all would be
 * taken for a proof.
 * @throws RevisionUnknownError when the range lies above the head, or between two epochs
 */
export function assertVerified(range: Range, { valid, checked, head }: Verdict): void {
  if (!valid || checked > 0) return;
  assertReachedRange(range, head);
  const bound = range.from ?? range.to;
  if (bound !== undefined) throw new RevisionUnknownError(bound, bound > head.revision ? 'above-head' : 'ended-epoch');
}
