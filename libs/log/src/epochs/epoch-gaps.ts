import { type UnknownRevisionReason } from '@coordination/kernel';
import { type EpochGap } from './epoch-log.repository.js';

/**
 * Why a revision means nothing to a log; undefined: it does. A number in a gap was given by a history that ended, or by
 * nobody: whoever has it did not get it from this one.
 */
export function unknownBecause(
  revision: number,
  head: number,
  gaps: readonly EpochGap[],
): Extract<UnknownRevisionReason, 'above-head' | 'ended-epoch'> | undefined {
  if (revision > head) return 'above-head';
  return gaps.some(({ after, before }) => revision > after && revision < before) ? 'ended-epoch' : undefined;
}
