import { type Settings } from '@coordination/config';

/** When many leases that end are too many. */
export interface GuardRules {
  /** Share of the leases of one service that may end within the window, from `minInstances` on. */
  readonly serviceShare: number;
  readonly minInstances: number;
  /** Share of all leases that may, from `totalMinInstances` on. */
  readonly totalShare: number;
  readonly totalMinInstances: number;
  readonly windowMs: number;
  /** How long a guard holds at most, and by how much a lease may last longer because the store was away. */
  readonly maxMs: number;
  readonly releasePerSecond: number;
}

const MS = 1_000;

/** The rules that the settings give. A guard that lasts less than its window would begin anew by the same leases. */
export const guardRules = (settings: Settings): GuardRules => ({
  serviceShare: settings.PCS_GUARD_SERVICE_SHARE,
  minInstances: settings.PCS_GUARD_MIN_INSTANCES,
  totalShare: settings.PCS_GUARD_TOTAL_SHARE,
  totalMinInstances: settings.PCS_GUARD_TOTAL_MIN_INSTANCES,
  windowMs: settings.PCS_GUARD_WINDOW_SECONDS * MS,
  maxMs: Math.max(settings.PCS_GUARD_MAX_SECONDS, settings.PCS_GUARD_WINDOW_SECONDS) * MS,
  releasePerSecond: settings.PCS_GUARD_RELEASE_PER_SECOND,
});
