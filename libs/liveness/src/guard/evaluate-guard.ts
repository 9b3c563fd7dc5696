import { isAhead } from '@coordination/catalog';
import { type GuardRules } from './guard-rules.js';
import { ALL, type GuardOrder, type GuardReason, type GuardScope, type GuardState, scopeKey } from './guard-state.js';
import { type LeaseCounts, NO_LEASES, type ScopeCount, scopeOf } from './lease-counts.js';

/** What is known when the guard is judged. */
export interface GuardSituation {
  /** Database time, RFC 3339 in UTC. */
  readonly now: string;
  readonly rules: GuardRules;
  /** The guards that were active until now. */
  readonly states: readonly GuardState[];
  readonly orders: readonly GuardOrder[];
  readonly counts: LeaseCounts;
  /** Since when renewals can be noted again, after nobody could note any; null: an operator has ended this. */
  readonly backSince: string | null;
}

/** Which guards are active from now on, and for which services an operator has said that there shall be none. */
export interface GuardJudgement {
  readonly states: readonly GuardState[];
  /** Keys of services in which leases end whatever the guard over all says. */
  readonly confirmed: ReadonlySet<string>;
}

/**
 * Decides which guards hold. Services come first: what one of them holds, or an operator has confirmed, does not count
 * for all. No I/O, no clock: the same situation gives the same judgement.
 */
export function evaluateGuard({ now, rules, states, orders, counts, backSince }: GuardSituation): GuardJudgement {
  // One that began by a clock that was set back since would hold for as long as that; it begins again where it must.
  const before = new Map(
    states.filter(({ since }) => !isAhead(since, now)).map(state => [scopeKey(state.scope), state]),
  );
  const standing = standingOrders(orders, now);
  const countOf = new Map(counts.services.map(count => [scopeKey(scopeOf(count)), count]));
  const ofAll = standing.get(scopeKey(ALL));

  const scopes = new Map<string, GuardScope>();
  for (const count of counts.services) scopes.set(scopeKey(scopeOf(count)), scopeOf(count));
  for (const { scope } of [...states, ...standing.values()]) scopes.set(scopeKey(scope), scope);
  scopes.delete(scopeKey(ALL));

  const after: GuardState[] = [];
  const confirmed = new Set<string>();
  let apart = 0;
  for (const [key, scope] of scopes) {
    const order = lastWord(standing.get(key), ofAll?.kind === 'end' ? ofAll : undefined);
    const count = countOf.get(key);
    const state = judgeScope({
      now,
      scope,
      count: count ?? NO_LEASES,
      order,
      before: before.get(key),
      reason: 'service-share',
      share: rules.serviceShare,
      min: rules.minInstances,
      maxMs: rules.maxMs,
    });
    if (state) after.push(state);
    // A hold over all that was ordered later takes the confirmation back.
    const isConfirmed = order?.kind === 'end' && !(ofAll?.kind === 'force' && ofAll.orderedAt > order.orderedAt);
    if (isConfirmed) confirmed.add(key);
    if (state || isConfirmed) apart += count?.silentOfAll ?? 0;
  }
  const total = { ...counts.total, silent: Math.max(0, counts.total.silent - apart) };
  const all = judgeScope({
    now,
    scope: ALL,
    count: total,
    order: ofAll,
    before: before.get(scopeKey(ALL)),
    reason: 'total-share',
    share: rules.totalShare,
    min: rules.totalMinInstances,
    maxMs: rules.maxMs,
  });
  const whole = all ?? whileBack(counts, backSince, ofAll, rules);
  return { states: whole ? [whole, ...after] : after, confirmed };
}

interface ScopeSituation {
  readonly now: string;
  readonly scope: GuardScope;
  readonly count: ScopeCount;
  readonly order: GuardOrder | undefined;
  readonly before: GuardState | undefined;
  readonly reason: GuardReason;
  readonly share: number;
  readonly min: number;
  readonly maxMs: number;
}

function judgeScope(situation: ScopeSituation): GuardState | undefined {
  const { now, scope, count, order, reason, share, maxMs } = situation;
  const numbers = { wouldExpire: count.silent, of: count.of, limit: share };
  if (order?.kind === 'end') return undefined;
  if (order?.kind === 'force') {
    const { orderedAt, until, reason: detail } = order;
    return { active: true, scope, phase: 'holding', reason: 'operator', detail, since: orderedAt, until, ...numbers };
  }
  // Few enough: either nothing is wrong, or renewals have come back.
  if (count.of < situation.min || count.silent <= share * count.of) return undefined;
  const before = situation.before?.reason === 'store-away' ? undefined : situation.before;
  if (!before) {
    const until = new Date(Date.parse(now) + maxMs).toISOString();
    return { active: true, scope, phase: 'holding', reason, detail: null, since: now, until, ...numbers };
  }
  if (now < before.until) return { ...before, ...numbers };
  if (count.pending === 0) return undefined;
  return { ...before, phase: 'releasing', ...numbers };
}

/** After nobody could renew, each lease lasts once more: this tells so as long as there are some that only do for that. */
function whileBack(
  { graced, gracedUntil, total }: LeaseCounts,
  backSince: string | null,
  order: GuardOrder | undefined,
  { totalShare }: GuardRules,
): GuardState | undefined {
  if (backSince === null || graced === 0 || gracedUntil === null || order?.kind === 'end') return undefined;
  return {
    active: true,
    scope: ALL,
    phase: 'holding',
    reason: 'store-away',
    detail: null,
    since: backSince,
    until: gracedUntil,
    wouldExpire: graced,
    of: total.of,
    limit: totalShare,
  };
}

function standingOrders(orders: readonly GuardOrder[], now: string): Map<string, GuardOrder> {
  return new Map(orders.filter(order => now < order.until).map(order => [scopeKey(order.scope), order]));
}

function lastWord(own: GuardOrder | undefined, ofAll: GuardOrder | undefined): GuardOrder | undefined {
  if (!own || !ofAll) return own ?? ofAll;
  return own.orderedAt >= ofAll.orderedAt ? own : ofAll;
}
