import { type GuardScope } from './guard-state.js';

/** Counts of the leases of a scope. */
export interface ScopeCount {
  /** Leases that last, or expired within the window. */
  readonly of: number;
  /** Those that expired within the window, whether or not their end has been acted on. Leases under an override do not count. */
  readonly expired: number;
  /** Those that expired, and whose end has not been acted on. */
  readonly pending: number;
}

/** Counts of the leases of one service. */
export interface ServiceCount extends ScopeCount {
  readonly namespace: string;
  readonly service: string;
  /** Those that expired within the window of all services. The window of the service itself may begin at another time. */
  readonly expiredInTotalWindow: number;
}

/** All counts that the guards are evaluated by, at one moment. */
export interface LeaseCounts {
  readonly total: ScopeCount;
  /** Services with expired leases, or with a guard. Others need no evaluation. */
  readonly services: readonly ServiceCount[];
  /** Leases in grace: they last only because the database was away. */
  readonly inGrace: number;
  /** When the last of them ends. */
  readonly inGraceUntil: string | null;
  /** Leases that last only because the node that ends leases was stalled for long. */
  readonly inStallGrace: number;
  /** When the last of them ends. */
  readonly inStallGraceUntil: string | null;
}

export const NO_LEASES: ScopeCount = { of: 0, expired: 0, pending: 0 };

export const scopeOf = ({ namespace, service }: ServiceCount): GuardScope => ({ kind: 'service', namespace, service });
