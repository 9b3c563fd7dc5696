import { type InstanceRecord, type Override, scopeOf } from './instance.js';

/** How many incarnations that ended are remembered. A process that comes back later than that counts as a new one. */
export const MAX_ENDED = 10;

/** What an instance says of the processes that ran under its name. */
export type Incarnations = Pick<InstanceRecord, 'incarnation' | 'incarnationNumber' | 'endedIncarnations'>;

/** What a registration means for the process that runs under the name. */
export type Claim =
  /** It comes from the process that is known. */
  | 'current'
  /** Another process has started. */
  | 'next'
  /** It comes from a process that another one has followed. */
  | 'ended';

/** Whether an override ends with the process that it was set for. */
export const endsWithIncarnation = (override: Override | null): boolean =>
  override !== null && scopeOf(override) === 'incarnation';

/**
 * What a registration that names an incarnation, or none, means. Without one it cannot be told from a repetition, unless an
 * override says that the process was about to end.
 */
export function claimOf(instance: InstanceRecord, named: string | undefined): Claim {
  if (named === undefined) return endsWithIncarnation(instance.override) ? 'next' : 'current';
  if (named === instance.incarnation) return 'current';
  return instance.endedIncarnations?.includes(named) ? 'ended' : 'next';
}

/** Whether a call that may name an incarnation comes from the process that runs under the name now. */
export const isCurrent = ({ incarnation }: InstanceRecord, named: string | undefined): boolean =>
  named === undefined || named === incarnation;

/** The incarnations when the next one begins. */
export function nextIncarnation(before: Incarnations, named: string | undefined): Incarnations {
  const ended = [...(before.endedIncarnations ?? []), ...(before.incarnation === null ? [] : [before.incarnation])];
  return {
    incarnation: named ?? null,
    incarnationNumber: before.incarnationNumber + 1,
    ...(ended.length > 0 && { endedIncarnations: ended.slice(-MAX_ENDED) }),
  };
}
