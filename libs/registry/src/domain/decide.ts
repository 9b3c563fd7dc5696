import { type AuditAction } from '@coordination/audit';
import {
  AlreadyRegisteredError,
  canonicalAddress,
  type DomainError,
  IncarnationEndedError,
  InstanceNotFoundError,
  sameJson,
  toFieldErrors,
  ValidationFailedError,
  VersionMismatchError,
} from '@coordination/kernel';
import {
  type ClearOverrideCommand,
  type Command,
  type DeregisterCommand,
  type ExpireCommand,
  type ExpectedVersion,
  type PatchCommand,
  type Probed,
  type RegisterCommand,
  type ReplaceCommand,
  type ReportHealthCommand,
  type ReportProbeCommand,
  type SetOverrideCommand,
  type Target,
} from './commands.js';
import {
  afterHeartbeat,
  afterLapse,
  afterProbe,
  afterReport,
  initialHealth,
  isProbed,
  statusOf,
} from './health-rules.js';
import { claimOf, endsWithIncarnation, type Incarnations, isCurrent, nextIncarnation } from './incarnation.js';
import {
  type Endpoint,
  type Health,
  identityKey,
  type InitialState,
  type InstanceIdentity,
  type InstanceRecord,
  type InstanceSpec,
  type JsonObject,
  type Lease,
  type LeasedInstance,
  type Override,
  scopeOf,
  specOf,
} from './instance.js';
import { instanceSpecSchema, specOfSameHostSchema, toSpec } from './instance-spec.schema.js';
import { goesAt, hasLapsed, isAhead, overAt } from './lease.js';
import { mergePatch } from './merge-patch.js';

/** When and where in the log a command is decided. */
export interface Moment {
  /** The time of the log, which events get (RFC 3339 in UTC): it never falls along revisions. It dates, and decides nothing. */
  readonly now: string;
  /**
   * What the clock of the database says. All that is compared with a time later is dated and judged by it: leases, since
   * when something is so, and until when. It falls when the clock is set back, which `now` does not.
   */
  readonly clock: string;
  /** The revision that a change gets. */
  readonly revision: number;
  readonly actor: string;
}

/** A sign of life that an unchanged instance gave, to be noted outside the log. */
export type LifeSign = 'renewal' | 'report' | 'none';

/** What a command comes to. */
export type Decision =
  | {
      readonly kind: 'changed';
      readonly action: AuditAction;
      readonly before: LeasedInstance | undefined;
      /** undefined: the instance is gone. */
      readonly after: LeasedInstance | undefined;
      /** Why, where the decision itself knows it; else what the caller says. */
      readonly reason?: string;
      /** Why, as the command says for itself; counts where the caller gives no reason for the request. */
      readonly statedReason?: string;
    }
  | { readonly kind: 'unchanged'; readonly current: LeasedInstance; readonly lifeSign: LifeSign }
  | { readonly kind: 'absent' }
  /** Another incarnation runs than the command speaks for. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'rejected'; readonly error: DomainError };

/**
 * What a command comes to for the instance that it names, which may not be there. No I/O, no clock, no chance: the same
 * arguments give the same decision.
 */
export function decide(current: LeasedInstance | undefined, command: Command, moment: Moment): Decision {
  if (command.kind === 'register') return decideRegister(current, command, moment);
  if (current === undefined || !isStillChosen(current.instance, command)) {
    if ('whenAbsent' in command && command.whenAbsent === 'ignore') return { kind: 'absent' };
    return rejected(new InstanceNotFoundError(nameOf(command.target)));
  }
  if (command.kind === 'replace') return decideReplace(current, command, moment);
  // Before If-Match: a caller that reads the new version and tries again would only be told this then.
  if (!isCurrent(current.instance, command.incarnation)) {
    if ('whenAbsent' in command && command.whenAbsent === 'ignore') return { kind: 'ended' };
    return rejected(incarnationEnded(current.instance, command));
  }
  if (!isExpected(command.ifMatch, current)) return rejected(new VersionMismatchError(current.instance.version));
  switch (command.kind) {
    case 'patch':
      return decidePatch(current, command, moment);
    case 'deregister':
      return decideDeregister(current, command);
    case 'report-health':
      return decideReport(current, command, moment);
    case 'report-probe':
      return decideProbe(current, command, moment);
    case 'heartbeat':
      return decideHeartbeat(current, moment);
    case 'set-override':
      return decideSetOverride(current, command, moment);
    case 'expire':
      return decideExpire(current, command, moment);
    default:
      // The one that is left; a kind that is not handled above does not compile here.
      return decideClearOverride(current, command, moment);
  }
}

/** Whether a registration equals what is stored: then it is only a sign of life. */
export const saysNothingNew = (stored: InstanceSpec, spec: InstanceSpec): boolean => sameJson(specOf(stored), spec);

function decideRegister(current: LeasedInstance | undefined, command: RegisterCommand, moment: Moment): Decision {
  const { identity } = command;
  if (current === undefined) {
    if (command.ifMatch !== undefined) return rejected(new InstanceNotFoundError(identityKey(identity)));
    return {
      kind: 'changed',
      action: 'instance.registered',
      before: undefined,
      after: newborn(command, moment),
    };
  }
  const claim = claimOf(current.instance, command.incarnation);
  if (claim === 'ended') return rejected(incarnationEnded(current.instance, command));
  if (command.mustBeNew) {
    return rejected(new AlreadyRegisteredError(identityKey(identity), current.instance.version));
  }
  if (!isExpected(command.ifMatch, current)) return rejected(new VersionMismatchError(current.instance.version));
  return claim === 'next' ? beginNext(current, command, moment) : respecify(current, command, moment);
}

function decideReplace(current: LeasedInstance, command: ReplaceCommand, moment: Moment): Decision {
  const claim = claimOf(current.instance, command.incarnation);
  if (claim === 'ended') return rejected(incarnationEnded(current.instance, command));
  if (!isExpected(command.ifMatch, current)) return rejected(new VersionMismatchError(current.instance.version));
  const errors = contradictions(current.instance, command.claimed);
  if (errors.length > 0) return rejected(new ValidationFailedError(errors));
  return claim === 'next' ? beginNext(current, command, moment) : respecify(current, command, moment);
}

function decidePatch(current: LeasedInstance, { patch, complaints }: PatchCommand, moment: Moment): Decision {
  const { namespace, service, instanceId, incarnation, ...changes } = patch;
  const errors = contradictions(current.instance, { namespace, service, instanceId } as Partial<InstanceIdentity>);
  if (incarnation !== undefined) errors.push(INCARNATION_IN_PATCH);
  const schema = 'host' in changes ? instanceSpecSchema : specOfSameHostSchema;
  const merged = schema.safeParse(mergePatch(specOf(current.instance) as unknown as JsonObject, changes));
  if (!merged.success) errors.push(...toFieldErrors(merged.error.issues, ''));
  if (errors.length > 0 || !merged.success) return rejected(new ValidationFailedError(errors));
  const spec = toSpec(merged.data);
  if (saysNothingNew(current.instance, spec)) return { kind: 'unchanged', current, lifeSign: 'none' };
  const refusals = complaints && startsOver(current.instance, spec) ? complaints(spec) : [];
  if (refusals.length > 0) return rejected(new ValidationFailedError(refusals));
  return updated(current, spec, undefined, current.lease, moment);
}

function decideDeregister(current: LeasedInstance, _command: DeregisterCommand): Decision {
  return { kind: 'changed', action: 'instance.deregistered', before: current, after: undefined };
}

function decideReport(current: LeasedInstance, { report }: ReportHealthCommand, moment: Moment): Decision {
  const { health, check } = current.instance;
  const after = afterReport(health, check, report, moment.clock);
  if (after === health) return { kind: 'unchanged', current, lifeSign: 'report' };
  const lease: Lease = { renewedAt: moment.clock, checkedAt: moment.clock };
  return changed(current, 'instance.health_changed', { health: after }, lease, moment);
}

function decideProbe(current: LeasedInstance, { probed, verdict }: ReportProbeCommand, moment: Moment): Decision {
  const { health, check } = current.instance;
  const unchanged: Decision = { kind: 'unchanged', current, lifeSign: 'none' };
  // It was registered anew while the probe was under way: what was found is of another endpoint, or of another process.
  if (!isProbed(check) || isAnother(probed, current.instance)) return unchanged;
  const after = afterProbe(health, check, verdict, moment.clock);
  if (after === health) return unchanged;
  // A probe is no sign of life that the instance gave: the lease, where there is one, is not renewed by it.
  const lease: Lease = { ...current.lease, checkedAt: moment.clock };
  return changed(current, 'instance.health_changed', { health: after }, lease, moment);
}

function decideHeartbeat(current: LeasedInstance, moment: Moment): Decision {
  const { health, check } = current.instance;
  const after = afterHeartbeat(health, check, moment.clock);
  if (after === health) return { kind: 'unchanged', current, lifeSign: 'renewal' };
  const lease: Lease = { ...current.lease, renewedAt: moment.clock };
  return changed(current, 'instance.health_changed', { health: after }, lease, moment);
}

function decideSetOverride(current: LeasedInstance, command: SetOverrideCommand, moment: Moment): Decision {
  const { status, reason, until } = command;
  const scope = scopeOf(command);
  if (until !== null && until <= moment.clock) {
    return rejected(
      new ValidationFailedError([{ path: '/until', message: `must be later than now (${moment.clock})` }]),
    );
  }
  const stored = current.instance.override;
  const isSame = stored?.status === status && scopeOf(stored) === scope;
  if (isSame && stored.reason === reason && stored.until === until) {
    return { kind: 'unchanged', current, lifeSign: 'none' };
  }
  const override: Override = { status, scope, reason, until, setAt: moment.clock, setBy: moment.actor };
  const decision = changed(current, 'instance.override_set', { override }, current.lease, moment);
  // An empty text is no reason.
  return reason ? { ...decision, statedReason: reason } : decision;
}

function decideClearOverride(current: LeasedInstance, { onlyIfOver }: ClearOverrideCommand, moment: Moment): Decision {
  const { override } = current.instance;
  const stays = override === null || (onlyIfOver && (override.until === null || override.until > moment.clock));
  if (stays) return { kind: 'unchanged', current, lifeSign: 'none' };
  return changed(current, 'instance.override_cleared', { override: null }, current.lease, moment);
}

function decideExpire(current: LeasedInstance, { allowance }: ExpireCommand, moment: Moment): Decision {
  const { instance, lease } = current;
  const clock = Date.parse(moment.clock);
  const unchanged: Decision = { kind: 'unchanged', current, lifeSign: 'none' };
  const over = overAt(lease, instance.check, allowance);
  if (over === null || over > clock) return unchanged;
  const sign = `no sign of life since ${lease.renewedAt}`;
  if (!hasLapsed(instance.health)) {
    const reason = `the lease of ${instance.check.ttlSeconds} s ended: ${sign}`;
    const health = afterLapse(instance.health, moment.clock);
    return changed(current, 'instance.health_changed', { health }, lease, moment, reason);
  }
  const goes = goesAt(instance);
  if (goes === null) return unchanged;
  const { since } = instance.health;
  if (isAhead(since, moment.clock)) {
    // It would be kept for as long as the clock was set back.
    const reason = `unhealthy since ${since} by a clock that was set back: its time begins again`;
    const health = afterLapse(instance.health, moment.clock);
    return changed(current, 'instance.health_changed', { health }, lease, moment, reason);
  }
  if (goes > clock) return unchanged;
  const reason = `unhealthy for ${instance.check.deregisterAfterSeconds} s after the lease ended: ${sign}`;
  return { kind: 'changed', action: 'instance.expired', before: current, after: undefined, reason };
}

/** A registration or PUT of an instance that exists: it is a sign of life in any case, and a change if it says anything new. */
function respecify(
  current: LeasedInstance,
  { spec, initialState }: RegisterCommand | ReplaceCommand,
  moment: Moment,
): Decision {
  if (saysNothingNew(current.instance, spec)) {
    // A caller that says once more "I am starting" has not become healthy by saying so.
    if (initialState === current.instance.health.state) return { kind: 'unchanged', current, lifeSign: 'renewal' };
    return decideHeartbeat(current, moment);
  }
  return updated(current, spec, initialState, { ...current.lease, renewedAt: moment.clock }, moment);
}

/**
 * Another process has started under the name. Nothing that was known of the one before counts: not its health, and not an
 * override that was meant for it.
 */
function beginNext(
  current: LeasedInstance,
  { spec, initialState, incarnation }: RegisterCommand | ReplaceCommand,
  moment: Moment,
): Decision {
  const { override } = current.instance;
  const changes = {
    ...spec,
    ...nextIncarnation(current.instance, incarnation),
    health: initialHealth(initialStateOf(spec, initialState), moment.clock),
    override: endsWithIncarnation(override) ? null : override,
  };
  const lease: Lease = { renewedAt: moment.clock, checkedAt: null };
  return changed(current, 'instance.incarnation_started', changes, lease, moment);
}

/** Health starts over when the endpoint or the check changed, for what was known is no longer known of it. */
function updated(
  current: LeasedInstance,
  spec: InstanceSpec,
  initialState: InitialState | undefined,
  lease: Lease,
  moment: Moment,
): Decision {
  if (!startsOver(current.instance, spec)) return changed(current, 'instance.updated', { ...spec }, lease, moment);
  const health = initialHealth(initialStateOf(spec, initialState), moment.clock);
  return changed(
    current,
    'instance.updated',
    { ...spec, health },
    { renewedAt: moment.clock, checkedAt: null },
    moment,
  );
}

/** Whether the endpoint or the check is another one, so that nothing that was known of it counts. */
export function startsOver(before: Endpoint, after: Endpoint): boolean {
  const sameEndpoint =
    before.scheme === after.scheme && before.port === after.port && isSameHost(before.host, after.host);
  return !sameEndpoint || !sameJson(before.check, after.check);
}

/** Whether it is another endpoint, or another process behind it, than what was probed. */
export const isAnother = (probed: Probed, now: Probed): boolean =>
  startsOver(probed, now) || probed.incarnationNumber !== now.incarnationNumber;

/** A registration of earlier times may have an address in another spelling than the one that addresses have now. */
const isSameHost = (before: string, after: string): boolean => before === after || canonicalAddress(before) === after;

function newborn(
  { id, identity, spec, initialState, incarnation }: RegisterCommand,
  { now, clock, revision }: Moment,
): LeasedInstance {
  const health = initialHealth(initialStateOf(spec, initialState), clock);
  return {
    instance: {
      id,
      namespace: identity.namespace,
      service: identity.service,
      instanceId: identity.instanceId,
      incarnation: incarnation ?? null,
      incarnationNumber: 1,
      ...spec,
      status: statusOf(health, null),
      health,
      override: null,
      registeredAt: now,
      updatedAt: now,
      version: 1,
      revision,
    },
    lease: { renewedAt: clock, checkedAt: null },
  };
}

function changed(
  current: LeasedInstance,
  action: AuditAction,
  changes: Partial<InstanceSpec & Incarnations & { readonly health: Health; readonly override: Override | null }>,
  lease: Lease,
  { now, revision }: Moment,
  reason?: string,
): Decision & { readonly kind: 'changed' } {
  const before = current.instance;
  const merged = { ...before, ...changes };
  const instance: InstanceRecord = {
    ...merged,
    status: statusOf(merged.health, merged.override),
    updatedAt: now,
    version: before.version + 1,
    revision,
  };
  return {
    kind: 'changed',
    action,
    before: current,
    after: { instance, lease },
    ...(reason !== undefined && { reason }),
  };
}

const initialStateOf = ({ check }: InstanceSpec, asked: InitialState | undefined): InitialState =>
  isProbed(check) ? 'unknown' : (asked ?? 'healthy');

const isExpected = (expected: ExpectedVersion, { instance }: LeasedInstance): boolean =>
  expected === undefined || expected === '*' || expected.includes(instance.version);

const isStillChosen = (instance: InstanceRecord, command: Command): boolean =>
  !('onlyIf' in command) || command.onlyIf === undefined || command.onlyIf(instance);

const contradictions = (instance: InstanceIdentity, claimed: Partial<InstanceIdentity>) =>
  (['namespace', 'service', 'instanceId'] as const)
    .filter(field => claimed[field] !== undefined && asNamed(field, claimed[field]) !== instance[field])
    .map(field => ({ path: `/${field}`, message: `cannot be changed, it is ${instance[field]}` }));

/** Names of services are lowered wherever they are said; those of a patch come here as they were sent. */
const asNamed = (field: keyof InstanceIdentity, claimed: unknown): unknown =>
  field === 'service' && typeof claimed === 'string' ? claimed.toLowerCase() : claimed;

const INCARNATION_IN_PATCH = {
  path: '/incarnation',
  message: 'cannot be patched: a process names it when it registers; a call names its own in the query parameter',
};

/** A call that names no incarnation is never refused for it. */
const incarnationEnded = (instance: InstanceRecord, { incarnation }: Pick<Command, 'incarnation'>) =>
  new IncarnationEndedError(identityKey(instance), incarnation!, instance);

const nameOf = (target: Target): string => ('id' in target ? `id ${target.id}` : identityKey(target.identity));

const rejected = (error: DomainError): Decision => ({ kind: 'rejected', error });
