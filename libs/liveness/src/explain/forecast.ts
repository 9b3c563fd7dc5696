import { type Command, decide, type Decision } from '@coordination/registry';
import {
  deregisterDueAt,
  hasLapsed,
  type InstanceRecord,
  type LeaseAllowance,
  type LeasedInstance,
  expiryDueAt,
} from '@coordination/catalog';

/** Events that occur because time passes. */
export const FORECAST_EVENTS = ['override-ends', 'lease-ends', 'deregistered'] as const;
export type ForecastEvent = (typeof FORECAST_EVENTS)[number];

/** An event that will occur if no health signal and no request comes. */
export interface ForecastStep {
  readonly event: ForecastEvent;
  /** The earliest time (RFC 3339 in UTC); jobs check about once a second. */
  readonly at: string;
  readonly before: InstanceRecord;
  /** undefined: the instance is gone. */
  readonly after: InstanceRecord | undefined;
}

/** Each event occurs at most once: the override ends, the lease ends, the instance is deregistered. */
const MAX_STEPS = FORECAST_EVENTS.length;

/**
 * What happens to an instance without further health signals and requests: the decisions that `decide` will make, made now for
 * their time. A guard may delay those about the lease.
 */
export function forecast(leased: LeasedInstance, now: string, allowance: LeaseAllowance): ForecastStep[] {
  const steps: ForecastStep[] = [];
  let current: LeasedInstance | undefined = leased;
  let clockMs = Date.parse(now);
  while (current && steps.length < MAX_STEPS) {
    const due = nextDue(current, allowance, clockMs);
    if (!due) break;
    clockMs = due.atMs;
    const at = new Date(clockMs).toISOString();
    const moment = { now: at, clock: at, revision: current.instance.revision + 1, actor: 'system:liveness' };
    const decision: Decision = decide(current, commandOf(due.event, current.instance.id, allowance), moment);
    if (decision.kind !== 'changed') break;
    const before: InstanceRecord = current.instance;
    current = decision.after;
    steps.push({ event: due.event, at, before, after: current?.instance });
  }
  return steps;
}

interface Due {
  readonly event: ForecastEvent;
  readonly atMs: number;
}

/** What is due first. Of two events at the same time, the end of the override is first, because it may prevent the other. */
function nextDue({ instance, lease }: LeasedInstance, allowance: LeaseAllowance, notBeforeMs: number): Due | undefined {
  const due: Due[] = [];
  const until = instance.override?.until ?? null;
  if (until !== null) due.push({ event: 'override-ends', atMs: Date.parse(until) });
  const over = expiryDueAt(lease, instance.check, allowance);
  if (over !== null) {
    const deregisterAt = deregisterDueAt(instance);
    if (!hasLapsed(instance.health)) due.push({ event: 'lease-ends', atMs: over });
    else if (deregisterAt !== null) due.push({ event: 'deregistered', atMs: Math.max(deregisterAt, over) });
  }
  // An overdue event occurs now.
  return due
    .map(({ event, atMs }) => ({ event, atMs: Math.max(atMs, notBeforeMs) }))
    .toSorted((a, b) => a.atMs - b.atMs)[0];
}

function commandOf(event: ForecastEvent, id: string, allowance: LeaseAllowance): Command {
  const command = { target: { id }, whenAbsent: 'ignore' } as const;
  if (event === 'override-ends') return { ...command, kind: 'clear-override', onlyIfOver: true };
  return { ...command, kind: 'expire', allowance };
}
