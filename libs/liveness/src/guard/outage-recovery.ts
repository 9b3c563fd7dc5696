import { type GuardOrder } from './guard-state.js';

/** An operator who has ended the guard over all since then has ended the longer time of leases too. */
export function backSinceBy(backSince: string, orders: readonly GuardOrder[]): string | null {
  const isEnded = orders.some(({ scope, kind, orderedAt }) => {
    return scope.kind === 'all' && kind === 'end' && orderedAt >= backSince;
  });
  return isEnded ? null : backSince;
}
