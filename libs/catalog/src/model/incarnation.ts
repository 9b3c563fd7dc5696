import { type InstanceRecord, type Override, scopeOf } from './instance.js';

/** How many ended incarnations are stored. A process that registers again after more than that counts as a new one. */
export const MAX_ENDED = 10;

/** The processes that ran under the name of an instance. */
export type Incarnations = Pick<InstanceRecord, 'incarnation' | 'incarnationNumber' | 'endedIncarnations'>;

/** Which process a registration comes from. */
export type Claim =
  /** The present one. */
  | 'current'
  /** A new one. */
  | 'next'
  /** A former one. */
  | 'ended';

/** Whether an override ends when the present process ends. */
export const endsWithIncarnation = (override: Override | null): boolean =>
  override !== null && scopeOf(override) === 'incarnation';

/**
 * Which process a registration comes from, by the incarnation that it names. A registration without one counts as a repetition
 * of the present process, unless an override announces the end of that process.
 */
export function claimOf(instance: InstanceRecord, named: string | undefined): Claim {
  if (named === undefined) return endsWithIncarnation(instance.override) ? 'next' : 'current';
  if (named === instance.incarnation) return 'current';
  return instance.endedIncarnations?.includes(named) ? 'ended' : 'next';
}

/** Whether a call, which may name an incarnation, comes from the present process. */
export const isCurrent = ({ incarnation }: InstanceRecord, named: string | undefined): boolean =>
  named === undefined || named === incarnation;

/** The incarnations after a new process has started. */
export function nextIncarnation(before: Incarnations, named: string | undefined): Incarnations {
  const ended = [...(before.endedIncarnations ?? []), ...(before.incarnation === null ? [] : [before.incarnation])];
  return {
    incarnation: named ?? null,
    incarnationNumber: before.incarnationNumber + 1,
    ...(ended.length > 0 && { endedIncarnations: ended.slice(-MAX_ENDED) }),
  };
}
