/** What a guard keeps as it is: one service, or everything. */
export type GuardScope =
  { readonly kind: 'all' } | { readonly kind: 'service'; readonly namespace: string; readonly service: string };

export const ALL: GuardScope = { kind: 'all' };

export const GUARD_PHASES = ['holding', 'releasing'] as const;
export type GuardPhase = (typeof GUARD_PHASES)[number];

/**
 * Why a guard is there: too many leases of a service, or of all, ended within the window; nobody could renew for a
 * while, and each lease lasts once more; an operator wants it.
 */
export const GUARD_REASONS = ['service-share', 'total-share', 'store-away', 'operator'] as const;
export type GuardReason = (typeof GUARD_REASONS)[number];

/** A guard that is active. Times are RFC 3339 in UTC, by the clock of the database. */
export interface GuardState {
  readonly active: true;
  readonly scope: GuardScope;
  /** While it holds, no lease of the scope ends; while it releases, they end at the bounded rate. */
  readonly phase: GuardPhase;
  readonly reason: GuardReason;
  /** What the operator said, where one wanted it. */
  readonly detail: string | null;
  readonly since: string;
  /** Until when it holds at most. */
  readonly until: string;
  /** Leases that have ended, or would have, since the window before `since`; those in their second time while the store was away. */
  readonly wouldExpire: number;
  /** The leases that this is a part of. */
  readonly of: number;
  /** The share of them that may end within the window. */
  readonly limit: number;
}

/** What an operator has ordered for a scope; the last word counts. */
export interface GuardOrder {
  readonly scope: GuardScope;
  /** To hold whatever the numbers say; or to let go, and not to hold again for as long. */
  readonly kind: 'force' | 'end';
  readonly orderedAt: string;
  readonly until: string;
  readonly reason: string | null;
  readonly orderedBy: string;
}

/** One text for one scope; no name of a service or namespace has a `*` in it. */
export const scopeKey = (scope: GuardScope): string =>
  scope.kind === 'all' ? '*/*' : `${scope.namespace}/${scope.service}`;
