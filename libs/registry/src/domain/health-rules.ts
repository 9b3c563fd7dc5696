import {
  type Check,
  type Health,
  type HealthState,
  type Override,
  type ProbedCheck,
  type Status,
} from '@coordination/catalog';

/** Failures in a row that make an instance unhealthy, where its check does not say. */
export const DEFAULT_FAILURE_THRESHOLD = 3;

/** The status that the world sees: an operator's word counts over health. */
export const statusOf = (health: Health, override: Override | null): Status => override?.status ?? health.state;

/** Whether probes decide about the health, and not the instance's own signs of life. */
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
 * The health after a heartbeat; the same object when it changes nothing. It ends what an expired lease decided (reported
 * failures count on), and turns starting and unknown into healthy, unless probes decide or nobody watches.
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
 * The health when the lease has ended. What was reported stays. It counts from now even if reports had made it unhealthy
 * long ago: until now it was alive.
 */
export const afterLapse = (health: Health, now: string): Health => ({
  ...health,
  state: 'unhealthy',
  decidedBy: 'lease',
  since: now,
});

/** Whether a heartbeat would change the health of an instance, and so is more than a renewal. */
export const mayHeal = ({ health, check }: { readonly health: Health; readonly check: Check }): boolean =>
  afterHeartbeat(health, check, health.since) !== health;

/** What a caller says of an instance's health. */
export interface HealthReport {
  readonly healthy: boolean;
  readonly output: string;
}

/**
 * The health after a report; the same object when it changes nothing. Every failure counts, a success ends what reports
 * (or nobody) decided; what a lease or a probe decided is ended by a success of that kind only.
 */
export function afterReport(health: Health, check: Check, report: HealthReport, now: string): Health {
  if (!report.healthy) {
    const failures = health.failures + 1;
    if (health.decidedBy === 'lease') return { ...health, failures, output: report.output };
    // What a probe found ill stays the probe's to heal, whoever saw it fail again.
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

/** What probes have found: the last one, and how many in a row said the same. */
export interface ProbeVerdict {
  readonly healthy: boolean;
  readonly inARow: number;
  readonly output: string;
}

/**
 * The health after a probe; the same object when the state does not change. One failure degrades what is healthy; what
 * has never been healthy is not given out because of a failure, and waits for the threshold. What an expired lease or a
 * report decided is ended by a sign of that kind only.
 */
export function afterProbe(health: Health, check: ProbedCheck, verdict: ProbeVerdict, now: string): Health {
  const state = stateAfterProbe(health, check, verdict);
  if (state === health.state) return health;
  const { healthy, inARow, output } = verdict;
  // What a report found ill stays the reports' to heal, whoever saw it fail again.
  const decidedBy = isIllByReport(health) ? 'report' : 'probe';
  return moved(health, { state, failures: healthy ? 0 : inARow, output, decidedBy }, now);
}

const isIllByReport = ({ decidedBy, failures }: Health): boolean => decidedBy === 'report' && failures > 0;

function stateAfterProbe(health: Health, check: ProbedCheck, { healthy, inARow }: ProbeVerdict): HealthState {
  const isOver = health.state === 'unhealthy' && health.decidedBy === 'lease';
  if (isOver) return health.state;
  if (healthy) return inARow >= check.successThreshold && !isIllByReport(health) ? 'healthy' : health.state;
  if (inARow >= check.failureThreshold) return 'unhealthy';
  return health.state === 'healthy' ? 'degraded' : health.state;
}
