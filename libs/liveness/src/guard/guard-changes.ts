import { type GuardOverride, type GuardState, scopeKey } from './guard-state.js';

/** The differences between the guards of two evaluations. */
export interface GuardChanges {
  readonly began: readonly GuardState[];
  readonly ended: readonly GuardState[];
  /** Guards that continue with other counts or in another phase. */
  readonly updated: readonly GuardState[];
}

const identityOf = ({ scope, reason, since }: GuardState): string => `${scopeKey(scope)} ${reason} ${since}`;

/** Compares guards before and after. A guard with another reason, or since another time, is another guard. */
export function changesBetween(before: readonly GuardState[], after: readonly GuardState[]): GuardChanges {
  const known = new Map(before.map(state => [identityOf(state), state]));
  const kept = new Set(after.map(identityOf));
  return {
    began: after.filter(state => !known.has(identityOf(state))),
    ended: before.filter(state => !kept.has(identityOf(state))),
    updated: after.filter(state => {
      const earlier = known.get(identityOf(state));
      return earlier !== undefined && isUpdated(earlier, state);
    }),
  };
}

const isUpdated = (before: GuardState, after: GuardState): boolean =>
  before.phase !== after.phase ||
  before.until !== after.until ||
  before.wouldExpire !== after.wouldExpire ||
  before.of !== after.of ||
  before.limit !== after.limit;

/** Whether an operator's override made a guard begin. The log has an event of the override itself. */
export const isBegunByOverride = (state: GuardState, overrides: readonly GuardOverride[]): boolean =>
  state.reason === 'operator' && overrides.some(({ kind, orderedAt }) => kind === 'force' && orderedAt === state.since);

/** Whether an operator's override, for its scope or for all, made a guard end. The log has an event of the override itself. */
export const isEndedByOverride = (state: GuardState, overrides: readonly GuardOverride[]): boolean =>
  overrides.some(({ scope, kind, orderedAt }) => {
    const covers = scope.kind === 'all' || scopeKey(scope) === scopeKey(state.scope);
    return kind === 'end' && covers && orderedAt >= state.since;
  });
