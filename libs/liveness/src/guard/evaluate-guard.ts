import { isAhead } from '@coordination/catalog';
import { type GuardRules } from './guard-rules.js';
import {
  ALL,
  type GuardOverride,
  type GuardReason,
  type GuardScope,
  type GuardState,
  isReport,
  scopeKey,
} from './guard-state.js';
import { type LeaseCounts, NO_LEASES, type ScopeCount, scopeOf } from './lease-counts.js';

/** What the guards are evaluated from. */
export interface GuardSituation {
  /** Database time, RFC 3339 in UTC. */
  readonly now: string;
  readonly rules: GuardRules;
  /** The guards that were active until now. */
  readonly states: readonly GuardState[];
  readonly overrides: readonly GuardOverride[];
  readonly counts: LeaseCounts;
  /** When renewals could be stored again after an outage; null: an operator has ended the longer time of leases. */
  readonly recoveringSince: string | null;
  /** When the last long stall of the node that ends leases was over; null: there was none, or an operator has ended its effect. */
  readonly stalledUntil: string | null;
}

/** The guards that are active from now on, and the services of which an operator has ended the guard. */
export interface GuardEvaluation {
  readonly states: readonly GuardState[];
  /** Keys of services whose leases end even if the guard over all holds. */
  readonly confirmed: ReadonlySet<string>;
}

/**
 * Decides which guards are active. Services are evaluated first: expired leases of a service that has a guard, or of which an
 * operator has ended the guard, do not count for the guard over all. Pure: no I/O, no clock.
 */
export function evaluateGuard({
  now,
  rules,
  states,
  overrides,
  counts,
  recoveringSince,
  stalledUntil,
}: GuardSituation): GuardEvaluation {
  // A guard that begins in the future, because the clock was set back since, would hold too long. It begins anew if needed.
  const before = new Map(
    states.filter(({ since }) => !isAhead(since, now)).map(state => [scopeKey(state.scope), state]),
  );
  const inForce = overridesInForce(overrides, now);
  const countOf = new Map(counts.services.map(count => [scopeKey(scopeOf(count)), count]));
  const ofAll = inForce.get(scopeKey(ALL));

  const scopes = new Map<string, GuardScope>();
  for (const count of counts.services) scopes.set(scopeKey(scopeOf(count)), scopeOf(count));
  for (const { scope } of [...states, ...inForce.values()]) scopes.set(scopeKey(scope), scope);
  scopes.delete(scopeKey(ALL));

  const after: GuardState[] = [];
  const confirmed = new Set<string>();
  let excluded = 0;
  for (const [key, scope] of scopes) {
    const override = latestOf(inForce.get(key), ofAll?.kind === 'end' ? ofAll : undefined);
    const count = countOf.get(key);
    const state = evaluateScope({
      now,
      scope,
      count: count ?? NO_LEASES,
      override,
      before: before.get(key),
      reason: 'service-share',
      share: rules.serviceShare,
      min: rules.minInstances,
      maxMs: rules.maxMs,
    });
    if (state) after.push(state);
    // A guard over all that was forced later revokes the confirmation.
    const isConfirmed = override?.kind === 'end' && !(ofAll?.kind === 'force' && ofAll.orderedAt > override.orderedAt);
    if (isConfirmed) confirmed.add(key);
    if (state || isConfirmed) excluded += count?.expiredInTotalWindow ?? 0;
  }
  const total = { ...counts.total, expired: Math.max(0, counts.total.expired - excluded) };
  const all = evaluateScope({
    now,
    scope: ALL,
    count: total,
    override: ofAll,
    before: before.get(scopeKey(ALL)),
    reason: 'total-share',
    share: rules.totalShare,
    min: rules.totalMinInstances,
    maxMs: rules.maxMs,
  });
  const graces: readonly Grace[] = [
    { reason: 'store-away', since: recoveringSince, leases: counts.inGrace, until: counts.inGraceUntil },
    { reason: 'node-stalled', since: stalledUntil, leases: counts.inStallGrace, until: counts.inStallGraceUntil },
  ];
  const ofTotal = { of: counts.total.of, limit: rules.totalShare };
  const guardOverAll = all ?? (ofAll?.kind === 'end' ? undefined : graceGuard(graces, ofTotal));
  return { states: guardOverAll ? [guardOverAll, ...after] : after, confirmed };
}

interface ScopeSituation {
  readonly now: string;
  readonly scope: GuardScope;
  readonly count: ScopeCount;
  readonly override: GuardOverride | undefined;
  readonly before: GuardState | undefined;
  readonly reason: GuardReason;
  readonly share: number;
  readonly min: number;
  readonly maxMs: number;
}

function evaluateScope(situation: ScopeSituation): GuardState | undefined {
  const { now, scope, count, override, reason, share, maxMs } = situation;
  const numbers = { wouldExpire: count.expired, of: count.of, limit: share };
  if (override?.kind === 'end') return undefined;
  if (override?.kind === 'force') {
    const { orderedAt, until, reason: detail } = override;
    return { active: true, scope, phase: 'holding', reason: 'operator', detail, since: orderedAt, until, ...numbers };
  }
  // Below the limit: either nothing is wrong, or instances renew their leases again.
  if (count.of < situation.min || count.expired <= share * count.of) return undefined;
  const before = situation.before && isReport(situation.before) ? undefined : situation.before;
  if (!before) {
    const until = new Date(Date.parse(now) + maxMs).toISOString();
    return { active: true, scope, phase: 'holding', reason, detail: null, since: now, until, ...numbers };
  }
  if (now < before.until) return { ...before, ...numbers };
  if (count.pending === 0) return undefined;
  return { ...before, phase: 'releasing', ...numbers };
}

/** Leases that last only because nobody could renew them for a while. */
interface Grace {
  readonly reason: Extract<GuardReason, 'store-away' | 'node-stalled'>;
  /** When they could be renewed again; null: there is no such grace. */
  readonly since: string | null;
  readonly leases: number;
  readonly until: string | null;
}

/** After an outage or a stall each lease lasts once more. This guard is active as long as there are leases in that grace. */
function graceGuard(graces: readonly Grace[], total: Pick<GuardState, 'of' | 'limit'>): GuardState | undefined {
  for (const { reason, since, leases, until } of graces) {
    if (since === null || leases === 0 || until === null) continue;
    const scope = ALL;
    return { active: true, scope, phase: 'holding', reason, detail: null, since, until, wouldExpire: leases, ...total };
  }
  return undefined;
}

function overridesInForce(overrides: readonly GuardOverride[], now: string): Map<string, GuardOverride> {
  return new Map(overrides.filter(({ until }) => now < until).map(override => [scopeKey(override.scope), override]));
}

function latestOf(own: GuardOverride | undefined, ofAll: GuardOverride | undefined): GuardOverride | undefined {
  if (!own || !ofAll) return own ?? ofAll;
  return own.orderedAt >= ofAll.orderedAt ? own : ofAll;
}
