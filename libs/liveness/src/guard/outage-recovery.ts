import { isAhead, type LeaseAllowance, LONG_STALL_MS } from '@coordination/catalog';
import { type RoleRecord } from '@coordination/leadership';
import { type GuardOverride } from './guard-state.js';

/** What makes leases last longer at present, besides the time to write renewals. */
export type Graces = Pick<LeaseAllowance, 'recoveringSince' | 'stalls'>;

/**
 * The recorded recovery from an outage, and the recorded stalls of the node that ends leases, as far as they still make leases last
 * longer: an operator who has ended the guard over all services since then has ended that, too. A stall in the future was recorded
 * before the clock of the database was set back.
 */
export function effectiveGraces(
  { backSince, stalls, now }: Pick<RoleRecord, 'backSince' | 'stalls' | 'now'>,
  overrides: readonly GuardOverride[],
): Graces {
  const isEnded = (since: string) =>
    overrides.some(({ scope, kind, orderedAt }) => scope.kind === 'all' && kind === 'end' && orderedAt >= since);
  return {
    recoveringSince: isEnded(backSince) ? null : backSince,
    stalls: stalls.filter(({ until }) => !isEnded(until) && !isAhead(until, now)),
  };
}

/** When the last long stall was over, after which each lease lasts once more; null: there was none. */
export const longStallUntil = ({ stalls }: Pick<Graces, 'stalls'>): string | null =>
  stalls.findLast(({ ms }) => ms >= LONG_STALL_MS)?.until ?? null;
