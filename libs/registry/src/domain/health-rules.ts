import {
  type Check,
  type Health,
  type HealthState,
  type Override,
  type ProbedCheck,
  type Status,
} from '@coordination/catalog';

/** Failures in a row that make an instance unhealthy, where its check does not set a threshold. */
export const DEFAULT_FAILURE_THRESHOLD = 3;

/** The effective status: an override takes precedence over health. */
export const statusOf = (health: Health, override: Override | null): Status => override?.status ?? health.state;

/** Whether probes decide the health, and not the instance's own signs of life. */
export const isProbed = (check: Check): check is ProbedCheck => check.kind !== 'heartbeat' && check.kind !== 'none';

const thresholdOf = (check: Check): number =>
  'failureThreshold' in check ? check.failureThreshold : DEFAULT_FAILURE_THRESHOLD;

const stateAfter = (failures: number, check: Check): HealthState => {
  if (failures === 0) return 'healthy';
  return failures >= thresholdOf(check) ? 'unhealthy' : 'degraded';
};

const moved = (before: Health, after: Omit<Health, 'since'>, now: string): Health => ({
  ...after,
  since: before.state === after.state ? before.since : now,
});

/** The health with which an instance begins, or begins again when its endpoint or check changed. */
export const initialHealth = (state: HealthState, now: string): Health => ({
  state,
  failures: 0,
  output: '',
  decidedBy: 'registration',
  since: now,
});

/**
 * The health after a heartbeat; the same object when it changes nothing. It reverts what an expired lease decided (reported
 * failures still count), and turns starting and unknown into healthy if the check is `heartbeat`.
 */
export function afterHeartbeat(health: Health, check: Check, now: string): Health {
  if (health.state === 'unhealthy' && health.decidedBy === 'lease') {
    const decidedBy = health.failures === 0 ? 'heartbeat' : isProbed(check) ? 'probe' : 'report';
    return moved(health, { ...health, state: stateAfter(health.failures, check), decidedBy }, now);
  }
  const waits = health.state === 'starting' || health.state === 'unknown';
  if (waits && check.kind === 'heartbeat') {
    return moved(health, { ...health, state: 'healthy', decidedBy: 'heartbeat' }, now);
  }
  return health;
}

/**
 * The health when the lease has ended. Reported failures are kept. `since` is now, even if reports had made the instance
 * unhealthy long ago, because until now it was alive.
 */
export const afterLapse = (health: Health, now: string): Health => ({
  ...health,
  state: 'unhealthy',
  decidedBy: 'lease',
  since: now,
});

/** Whether a heartbeat would change the health of an instance, so that it is more than a renewal. */
export const mayHeal = ({ health, check }: { readonly health: Health; readonly check: Check }): boolean =>
  afterHeartbeat(health, check, health.since) !== health;

/** The health of an instance, as a caller reports it. */
export interface HealthReport {
  readonly healthy: boolean;
  readonly output: string;
}

/**
 * The health after a report; the same object when it changes nothing. Every failure counts. A success clears a state that
 * reports or the registration decided; a state that a lease or a probe decided is cleared by a success of that kind only.
 */
export function afterReport(health: Health, check: Check, report: HealthReport, now: string): Health {
  if (!report.healthy) {
    const failures = health.failures + 1;
    if (health.decidedBy === 'lease') return { ...health, failures, output: report.output };
    // A state that a probe decided stays attributed to probes, even when a report adds a failure; only a probe clears it.
    const decidedBy = health.decidedBy === 'probe' && health.failures > 0 ? 'probe' : 'report';
    const after = { state: stateAfter(failures, check), failures, output: report.output, decidedBy } as const;
    return moved(health, after, now);
  }
  if (health.decidedBy === 'lease' || health.decidedBy === 'probe') {
    return health.decidedBy === 'lease' && health.failures > 0
      ? { ...health, failures: 0, output: report.output }
      : health;
  }
  if (health.state === 'healthy') return health;
  return moved(health, { state: 'healthy', failures: 0, output: report.output, decidedBy: 'report' }, now);
}

/** The result of the last probe, and how many probes in a row had the same. */
export interface ProbeVerdict {
  readonly healthy: boolean;
  readonly inARow: number;
  readonly output: string;
}

/**
 * The health after a probe; the same object when the state does not change. One failure degrades a healthy instance; an
 * instance that has never been healthy keeps its state until the threshold, because a failure must not make it discoverable.
 * A state that an expired lease or a report decided is cleared by a sign of that kind only.
 */
export function afterProbe(health: Health, check: ProbedCheck, verdict: ProbeVerdict, now: string): Health {
  const state = stateAfterProbe(health, check, verdict);
  if (state === health.state) return health;
  const { healthy, inARow, output } = verdict;
  // A state that a report decided stays attributed to reports, even when a probe fails again; only a report clears it.
  const decidedBy = hasFailedByReport(health) ? 'report' : 'probe';
  return moved(health, { state, failures: healthy ? 0 : inARow, output, decidedBy }, now);
}

const hasFailedByReport = ({ decidedBy, failures }: Health): boolean => decidedBy === 'report' && failures > 0;

function stateAfterProbe(health: Health, check: ProbedCheck, { healthy, inARow }: ProbeVerdict): HealthState {
  const hasLapsed = health.state === 'unhealthy' && health.decidedBy === 'lease';
  if (hasLapsed) return health.state;
  if (healthy) return inARow >= check.successThreshold && !hasFailedByReport(health) ? 'healthy' : health.state;
  if (inARow >= check.failureThreshold) return 'unhealthy';
  return health.state === 'healthy' ? 'degraded' : health.state;
}
