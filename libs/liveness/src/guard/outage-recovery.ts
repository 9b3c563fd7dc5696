import { type GuardOverride } from './guard-state.js';

/**
 * The recorded recovery from an outage, as far as it still makes leases last longer: an operator who has ended the guard over
 * all services since then has ended that, too.
 */
export function effectiveRecovery(recoveringSince: string, overrides: readonly GuardOverride[]): string | null {
  const isEnded = overrides.some(({ scope, kind, orderedAt }) => {
    return scope.kind === 'all' && kind === 'end' && orderedAt >= recoveringSince;
  });
  return isEnded ? null : recoveringSince;
}
