import { type Settings } from '@coordination/config';

/** How many leases may expire within a window before a guard begins. */
export interface GuardRules {
  /** Share of the leases of one service that may expire within the window, for services of at least `minInstances`. */
  readonly serviceShare: number;
  readonly minInstances: number;
  /** Share of all leases that may, if there are at least `totalMinInstances`. */
  readonly totalShare: number;
  readonly totalMinInstances: number;
  readonly windowMs: number;
  /** The longest time that a guard holds, and by which a lease may last longer after an outage of the database. */
  readonly maxMs: number;
  readonly releasePerSecond: number;
}

const MS = 1_000;

/** The rules from the settings. A guard holds at least one window: else it would begin again because of the same leases. */
export const guardRules = (settings: Settings): GuardRules => ({
  serviceShare: settings.PCS_GUARD_SERVICE_SHARE,
  minInstances: settings.PCS_GUARD_MIN_INSTANCES,
  totalShare: settings.PCS_GUARD_TOTAL_SHARE,
  totalMinInstances: settings.PCS_GUARD_TOTAL_MIN_INSTANCES,
  windowMs: settings.PCS_GUARD_WINDOW_SECONDS * MS,
  maxMs: Math.max(settings.PCS_GUARD_MAX_SECONDS, settings.PCS_GUARD_WINDOW_SECONDS) * MS,
  releasePerSecond: settings.PCS_GUARD_RELEASE_PER_SECOND,
});

/** The rules by which leases end. */
export interface ExpiryRules extends GuardRules {
  /** By when (ms) a renewal that a node has taken is in the database: a lease is not ended earlier. */
  readonly flushBoundMs: number;
}

export const expiryRules = (settings: Settings): ExpiryRules => ({
  ...guardRules(settings),
  flushBoundMs: settings.PCS_LEASE_FLUSH_BOUND_MS,
});
