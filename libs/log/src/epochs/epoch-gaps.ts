import { type UnknownRevisionReason } from '@coordination/kernel';
import { type EpochGap } from './epoch-log.repository.js';

/**
 * Why the history of a log has no such revision; undefined: the revision is neither above the head nor in a gap. Revisions
 * in a gap were either never used, or used by a history that ended when commits were lost.
 */
export function unknownRevisionReason(
  revision: number,
  head: number,
  gaps: readonly EpochGap[],
): Extract<UnknownRevisionReason, 'above-head' | 'ended-epoch'> | undefined {
  if (revision > head) return 'above-head';
  return gaps.some(({ after, before }) => revision > after && revision < before) ? 'ended-epoch' : undefined;
}
