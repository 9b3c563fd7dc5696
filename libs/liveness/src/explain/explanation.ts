import { type LogEvent } from '@coordination/log';
import {
  expiresAt,
  deregisterDueAt,
  type Health,
  type InstanceRecord,
  type LeaseAllowance,
  type LeasedInstance,
  expiryDueAt,
  type OverrideView,
  type ProbeError,
  scopeOf,
  type Status,
  toOverrideView,
} from '@coordination/catalog';
import { isProbed } from '@coordination/registry';
import { type RoleRecord } from '@coordination/leadership';
import { type GuardState, isReport } from '../guard/guard-state.js';
import { healthReason, type StatusDecider, statusReason } from './status-reasons.js';
import { forecast, type ForecastEvent, type ForecastStep } from './forecast.js';
import { type SignalEffect, signalEffects } from './health-signals.js';

/** What an explanation is made from, all of one moment. */
export interface ExplainedSituation {
  readonly leased: LeasedInstance;
  /** Database time, RFC 3339 in UTC. */
  readonly now: string;
  readonly allowance: LeaseAllowance;
  /** The active guard over leases that applies to its service. */
  readonly guard: GuardState | undefined;
  /** The guard by which the node that probes it holds failures. */
  readonly probeGuard: GuardState | undefined;
  /** The node that ends leases. */
  readonly sweeper: RoleRecord | undefined;
  /** The node that probes it. */
  readonly probedBy: string | undefined;
  /** Its newest events, the newest first. */
  readonly events: readonly LogEvent[];
}

/** A running timer. */
export interface Timer {
  readonly what: 'override-until' | 'lease-ends' | 'lease-end-counts' | 'deregister-after' | 'guard-until';
  readonly at: string;
  /** Negative when it has passed. */
  readonly inSeconds: number;
  readonly effect: string;
}

/** An event that will occur without further health signals. */
export interface NextStep {
  readonly event: ForecastEvent;
  /** The earliest time. */
  readonly when: string;
  readonly inSeconds: number;
  /** The status afterwards; null: it is gone. */
  readonly status: Status | null;
  readonly what: string;
  readonly unless: string;
  /** The latest time until which a guard prevents it; null: no guard does. */
  readonly heldUntil: string | null;
}

/** An event in short. */
export interface EventSummary extends Pick<LogEvent, 'revision' | 'at' | 'action' | 'actor' | 'source' | 'reason'> {
  /** The status before and after; null: the instance did not exist. */
  readonly from: Status | null;
  readonly to: Status | null;
}

/** Who removed an instance, when and why. */
export interface Removal extends Pick<
  LogEvent,
  'revision' | 'at' | 'action' | 'actor' | 'clientAddress' | 'requestId' | 'source' | 'reason' | 'batchId'
> {
  /** The status that it had. */
  readonly lastStatus: Status;
}

/** Why an instance has its status, and what happens next; or why it was removed. */
export interface Explanation {
  readonly id: string;
  readonly namespace: string;
  readonly service: string;
  readonly instanceId: string;
  readonly incarnation: string | null;
  readonly incarnationNumber: number;
  readonly version: number;
  readonly revision: number;
  /** When this was read, by the clock of the database. */
  readonly at: string;
  readonly status: Status | 'gone';
  readonly since: string;
  readonly decidedBy: StatusDecider;
  readonly because: string;
  readonly health: Health & {
    readonly lastCheckedAt: string | null | undefined;
    readonly lastError: ProbeError | null;
    readonly because: string;
  };
  readonly override: OverrideView | null;
  /** null: the instance is gone. */
  readonly lease: {
    readonly renewedAt: string;
    readonly ttlSeconds: number | null;
    readonly expiresAt: string | null;
    readonly remainingSeconds: number | null;
    readonly deregisterAt: string | null;
  } | null;
  /** null: the instance is registered. */
  readonly removal: Removal | null;
  /** null: no node probes it. */
  readonly probedBy: string | null;
  readonly guard: GuardState | null;
  readonly timers: readonly Timer[];
  readonly next: readonly NextStep[];
  readonly signs: readonly SignalEffect[];
  readonly notes: readonly string[];
  readonly lastEvents: readonly EventSummary[];
}

/** Explains an instance. Pure: no I/O, no clock. The forecast consists of the decisions that `decide` will make. */
export function explain(situation: ExplainedSituation): Explanation {
  const { leased, now, allowance, guard, events, probedBy } = situation;
  const { instance, lease } = leased;
  const { health, override, check } = instance;
  const statusEvent = events.find(event => statusOf(event.before) !== statusOf(event.after));
  const ends = expiresAt(lease, check);
  const lastEvents = [...new Set([events[0], statusEvent])].filter(event => event !== undefined);
  return {
    id: instance.id,
    namespace: instance.namespace,
    service: instance.service,
    instanceId: instance.instanceId,
    incarnation: instance.incarnation,
    incarnationNumber: instance.incarnationNumber,
    version: instance.version,
    revision: instance.revision,
    at: now,
    status: instance.status,
    since: statusEvent?.at ?? (override ? override.setAt : health.since),
    decidedBy: override ? 'operator' : health.decidedBy,
    because: statusReason(instance),
    health: {
      ...health,
      lastCheckedAt: lease.checkedAt,
      lastError: lease.probeError ?? null,
      because: healthReason(health, check),
    },
    override: toOverrideView(override),
    lease: {
      renewedAt: lease.renewedAt,
      ttlSeconds: check.ttlSeconds,
      expiresAt: ends,
      remainingSeconds: ends === null ? null : Math.max(0, secondsFrom(now, ends)),
      deregisterAt: isoOrNull(deregisterDueAt(instance)),
    },
    removal: null,
    probedBy: probedBy ?? null,
    guard: guard ?? situation.probeGuard ?? null,
    timers: timersOf(situation),
    next: forecast(leased, now, allowance).map(step => nextStep(step, now, guard)),
    signs: signalEffects(leased, now),
    notes: notesOf(situation),
    lastEvents: lastEvents.map(summarize),
  };
}

function timersOf({ leased, now, allowance, guard }: ExplainedSituation): Timer[] {
  const { instance, lease } = leased;
  const { check, override } = instance;
  const timers: Timer[] = [];
  const add = (what: Timer['what'], at: string | null, effect: string) => {
    if (at !== null) timers.push({ what, at, inSeconds: secondsFrom(now, at), effect });
  };
  add('override-until', override?.until ?? null, 'The override ends by itself.');
  add('lease-ends', expiresAt(lease, check), 'The lease expires, unless it is renewed.');
  const counts = isoOrNull(expiryDueAt(lease, check, allowance));
  add(
    'lease-end-counts',
    counts,
    'The end of the lease is acted on: by then, all renewals that came in time are stored.',
  );
  add(
    'deregister-after',
    isoOrNull(deregisterDueAt(instance)),
    'It has been unhealthy for as long as its check allows, and is deregistered.',
  );
  add('guard-until', guard?.until ?? null, 'The guard lets leases end at a bounded rate, at the latest.');
  return timers.toSorted((a, b) => a.inSeconds - b.inSeconds);
}

const OF_LEASES: ReadonlySet<ForecastEvent> = new Set(['lease-ends', 'deregistered']);

function nextStep({ event, at, before, after }: ForecastStep, now: string, guard: GuardState | undefined): NextStep {
  const isHeld = guard !== undefined && !isReport(guard) && OF_LEASES.has(event) && at < guard.until;
  return {
    event,
    when: at,
    inSeconds: secondsFrom(now, at),
    status: after?.status ?? null,
    what: whatHappens(event, before, after),
    unless: UNLESS[event],
    heldUntil: isHeld ? guard.until : null,
  };
}

const UNLESS: Readonly<Record<ForecastEvent, string>> = {
  'override-ends': 'an operator clears it earlier, or sets another one',
  'lease-ends': 'a heartbeat, a registration or a report renews the lease before it expires',
  deregistered: 'a heartbeat heals it earlier',
};

function whatHappens(event: ForecastEvent, before: InstanceRecord, after: InstanceRecord | undefined): string {
  const { ttlSeconds, deregisterAfterSeconds } = before.check;
  if (!after)
    return `It is deregistered, after it has been unhealthy for ${deregisterAfterSeconds} s because its lease expired.`;
  if (event === 'override-ends')
    return `The override ${before.override?.status ?? ''} ends; the status is ${after.status}.`;
  const hidden = after.override ? `; the override keeps the status ${after.status}` : '';
  return `Its lease of ${ttlSeconds ?? 0} s has expired, and it becomes unhealthy${hidden}.`;
}

function notesOf({ leased, now, allowance, guard, probeGuard, sweeper, probedBy }: ExplainedSituation): string[] {
  const { instance, lease } = leased;
  const { check, override } = instance;
  const notes: string[] = [];
  if (isProbed(check) && probedBy === undefined) {
    notes.push('No node probes it at this moment: the view of this node has no live node.');
  }
  if (check.ttlSeconds === null) {
    const watched = isProbed(check) ? 'only probes notice' : 'nothing notices';
    notes.push(`Its lease never ends: ${watched} when it dies.`);
  }
  if (check.ttlSeconds !== null && (!sweeper || sweeper.expiresAt <= now)) {
    notes.push('No node ends leases at this moment; a node takes over within seconds.');
  }
  if (guard && !isReport(guard)) {
    const scope = guard.scope.kind === 'all' ? 'all services' : `the service ${guard.scope.service}`;
    notes.push(
      `A guard limits the end of leases of ${scope} (${guard.reason}, ${guard.phase}): ${guard.wouldExpire} of ${guard.of} would have expired, the limit is a share of ${guard.limit}.`,
    );
  }
  if (probeGuard) {
    const { node = 'the node', wouldExpire, of, limit, phase } = probeGuard;
    notes.push(
      `A guard keeps failures of its probes from counting, unless another node sees them, too (${phase}): of ${of} instances that ${node} probes, ${wouldExpire} began to fail, the limit is a share of ${limit}.`,
    );
  }
  if (lease.probeError?.kind === 'node') {
    const { reason, node, message } = lease.probeError;
    notes.push(
      `Its last probe did not count, because ${node ?? 'the node'} was not able to probe it (${reason}): ${message}`,
    );
  }
  notes.push(...graceNotes(leased, now, allowance));
  if (override && scopeOf(override) === 'incarnation') {
    notes.push('The override ends when another process registers under the name.');
  }
  if (override?.status === 'maintenance') notes.push('It is not deregistered while it is in maintenance.');
  return notes;
}

/** Why the lease lasts longer than its ttl, where it does. */
function graceNotes({ instance: { check }, lease }: LeasedInstance, now: string, allowance: LeaseAllowance): string[] {
  const due = (different: Partial<LeaseAllowance>) => expiryDueAt(lease, check, { ...allowance, ...different }) ?? 0;
  const counts = due({});
  if (counts <= Date.parse(now)) return [];
  const { recoveringSince, stalls } = allowance;
  if (counts > due({ recoveringSince: null })) {
    return [
      `No lease could be renewed until ${recoveringSince ?? ''}, because of an outage of the database, so it lasts once more.`,
    ];
  }
  const addedMs = counts - due({ stalls: [] });
  if (addedMs === 0) return [];
  const until = stalls.at(-1)?.until ?? '';
  return [
    `The node that ends leases was stalled until ${until} and answered no renewal (node-stalled), so the lease lasts ${addedMs / 1_000} s longer.`,
  ];
}

export function summarize({ revision, at, action, actor, source, reason, before, after }: LogEvent): EventSummary {
  return { revision, at, action, actor, source, reason, from: statusOf(before), to: statusOf(after) };
}

const statusOf = (record: unknown): Status | null => (record as InstanceRecord | null)?.status ?? null;

const isoOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

const secondsFrom = (now: string, at: string): number => (Date.parse(at) - Date.parse(now)) / 1_000;
