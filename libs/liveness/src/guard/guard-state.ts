/** What a guard applies to: one service, or all services. */
export type GuardScope =
  { readonly kind: 'all' } | { readonly kind: 'service'; readonly namespace: string; readonly service: string };

export const ALL: GuardScope = { kind: 'all' };

export const GUARD_PHASES = ['holding', 'releasing'] as const;
export type GuardPhase = (typeof GUARD_PHASES)[number];

/**
 * Why a guard is active: too many leases of a service, or of all services, expired within the window; after an outage of the
 * database, or a stall of the node that ends leases, in which no lease could be renewed, each lease lasts once more; an operator
 * has forced it.
 */
export const GUARD_REASONS = ['service-share', 'total-share', 'store-away', 'node-stalled', 'operator'] as const;

/** Why a node holds failures of probes: too many of the instances that it probes began to fail within the window. */
export const PROBE_GUARD_REASONS = ['probe-failures'] as const;
export type GuardReason = (typeof GUARD_REASONS | typeof PROBE_GUARD_REASONS)[number];

/**
 * Whether a guard holds nothing, and only reports that each lease lasts longer by itself. Leases that have expired even so may
 * end.
 */
export const isReport = ({ reason }: Pick<GuardState, 'reason'>): boolean =>
  reason === 'store-away' || reason === 'node-stalled';

/** An active guard. Times are RFC 3339 in UTC, by the clock of the database. */
export interface GuardState {
  readonly active: true;
  readonly scope: GuardScope;
  /** `holding`: no lease of the scope ends. `releasing`: leases end at the bounded rate. */
  readonly phase: GuardPhase;
  readonly reason: GuardReason;
  /** The reason that the operator gave, where one has forced it. */
  readonly detail: string | null;
  readonly since: string;
  /** The latest end of the phase `holding`. */
  readonly until: string;
  /** Leases that have expired, or would have, counted from a window before `since`; those in grace after an outage or a stall. */
  readonly wouldExpire: number;
  /** The leases that `wouldExpire` is a part of. */
  readonly of: number;
  /** The share of them that may expire within the window. */
  readonly limit: number;
  /** With the reason `probe-failures`: the node whose probes fail. `wouldExpire` and `of` then count instances that it probes. */
  readonly node?: string;
}

/** An operator's override of the guard of a scope; the latest one counts. */
export interface GuardOverride {
  readonly scope: GuardScope;
  /** `force`: the guard holds, whatever the counts are. `end`: the guard ends, and does not begin again until `until`. */
  readonly kind: 'force' | 'end';
  readonly orderedAt: string;
  readonly until: string;
  readonly reason: string | null;
  readonly orderedBy: string;
}

/** A unique text for each scope. Names of services and namespaces cannot contain a `*`. */
export const scopeKey = (scope: GuardScope): string =>
  scope.kind === 'all' ? '*/*' : `${scope.namespace}/${scope.service}`;

/** A scope as tables have it: the one of all services has the names `*` and `*`. */
export interface NamedScope {
  readonly namespace: string;
  readonly service: string;
}

export const toScope = ({ namespace, service }: NamedScope): GuardScope =>
  namespace === '*' ? ALL : { kind: 'service', namespace, service };

export const toNamed = (scope: GuardScope): NamedScope =>
  scope.kind === 'all' ? { namespace: '*', service: '*' } : scope;

/** The active guards of one moment. */
export class GuardSet {
  private readonly byScope: ReadonlyMap<string, GuardState>;

  constructor(readonly states: readonly GuardState[] = []) {
    // A guard over leases takes precedence over one over probes of the same scope: it is the first.
    this.byScope = new Map(states.toReversed().map(state => [scopeKey(state.scope), state]));
  }

  /** The guard that applies to a service: its own, or else the one over all services. */
  of(namespace: string, service: string): GuardState | undefined {
    return this.byScope.get(scopeKey({ kind: 'service', namespace, service })) ?? this.byScope.get(scopeKey(ALL));
  }
}
