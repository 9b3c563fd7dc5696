import { type GuardScope } from './guard-state.js';

/** How the leases of a scope stand. */
export interface ScopeCount {
  /** Leases that last, or ended within the window. */
  readonly of: number;
  /** Those that ended within the window, whether or not anything was done about it; announced ends do not count. */
  readonly silent: number;
  /** Those that ended and nothing was done about it yet. */
  readonly pending: number;
}

/** How the leases of one service stand. */
export interface ServiceCount extends ScopeCount {
  readonly namespace: string;
  readonly service: string;
  /** What of it counts within the window of all; that of the service may begin elsewhere. */
  readonly silentOfAll: number;
}

/** All that the guard is judged by, at one moment. */
export interface LeaseCounts {
  readonly total: ScopeCount;
  /** Services with leases that are over, or with a guard; of others there is nothing to judge. */
  readonly services: readonly ServiceCount[];
  /** Leases that only last because the store was away. */
  readonly graced: number;
  /** When the last of them ends. */
  readonly gracedUntil: string | null;
}

export const NO_LEASES: ScopeCount = { of: 0, silent: 0, pending: 0 };

export const scopeOf = ({ namespace, service }: ServiceCount): GuardScope => ({ kind: 'service', namespace, service });
