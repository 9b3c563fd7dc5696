import { type GuardOrder, type GuardState, scopeKey } from './guard-state.js';

/** What became of guards between two judgements. */
export interface GuardChanges {
  readonly began: readonly GuardState[];
  readonly ended: readonly GuardState[];
  /** Those that go on with other numbers or in another phase. */
  readonly moved: readonly GuardState[];
}

const identityOf = ({ scope, reason, since }: GuardState): string => `${scopeKey(scope)} ${reason} ${since}`;

/** Compares guards before and after. One that holds for another reason, or since another time, is another one. */
export function changesBetween(before: readonly GuardState[], after: readonly GuardState[]): GuardChanges {
  const known = new Map(before.map(state => [identityOf(state), state]));
  const kept = new Set(after.map(identityOf));
  return {
    began: after.filter(state => !known.has(identityOf(state))),
    ended: before.filter(state => !kept.has(identityOf(state))),
    moved: after.filter(state => {
      const earlier = known.get(identityOf(state));
      return earlier !== undefined && isMoved(earlier, state);
    }),
  };
}

const isMoved = (before: GuardState, after: GuardState): boolean =>
  before.phase !== after.phase ||
  before.until !== after.until ||
  before.wouldExpire !== after.wouldExpire ||
  before.of !== after.of ||
  before.limit !== after.limit;

/** Whether a guard began because an operator wants it; the order is in the log by itself. */
export const isBegunByOrder = (state: GuardState, orders: readonly GuardOrder[]): boolean =>
  state.reason === 'operator' && orders.some(({ kind, orderedAt }) => kind === 'force' && orderedAt === state.since);

/** Whether a guard ended because an operator said so, of its scope or of all; the order is in the log by itself. */
export const isEndedByOrder = (state: GuardState, orders: readonly GuardOrder[]): boolean =>
  orders.some(({ scope, kind, orderedAt }) => {
    const covers = scope.kind === 'all' || scopeKey(scope) === scopeKey(state.scope);
    return kind === 'end' && covers && orderedAt >= state.since;
  });
