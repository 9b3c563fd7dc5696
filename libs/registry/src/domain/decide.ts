import {
  AlreadyRegisteredError,
  type DomainError,
  IncarnationEndedError,
  InstanceNotFoundError,
  type JsonObject,
  sameJson,
  toFieldErrors,
  ValidationFailedError,
  VersionMismatchError,
} from '@coordination/kernel';
import {
  claimOf,
  deregisterDueAt,
  expiryDueAt,
  hasLapsed,
  identityKey,
  type InstanceIdentity,
  type InstanceRecord,
  type InstanceSpec,
  isAhead,
  isCurrent,
  type Lease,
  type LeasedInstance,
  type Override,
  scopeOf,
  specOf,
} from '@coordination/catalog';
import {
  type ClearOverrideCommand,
  type Command,
  type DeregisterCommand,
  describeTarget,
  type ExpectedVersion,
  type ExpireCommand,
  type PatchCommand,
  type RegisterCommand,
  type ReplaceCommand,
  type ReportHealthCommand,
  type ReportProbeCommand,
  type SetOverrideCommand,
} from './commands.js';
import { type Decision, type Moment } from './decision.js';
import { isAnother, resetsHealth } from './endpoint-changes.js';
import { afterHeartbeat, afterLapse, afterProbe, afterReport, isProbed } from './health-rules.js';
import { instanceSpecSchema, specOfSameHostSchema, toSpec } from './spec/instance-spec.schema.js';
import { beginNext, changed, newInstance, updated } from './instance-states.js';
import { mergePatch } from './merge-patch.js';

export { type Decision, type Moment } from './decision.js';

/**
 * Decides a command for the instance that it names, which may not exist. No I/O, no clock, no randomness: the same arguments
 * give the same decision.
 */
export function decide(current: LeasedInstance | undefined, command: Command, moment: Moment): Decision {
  if (command.kind === 'register') return decideRegister(current, command, moment);
  if (current === undefined || !isStillChosen(current.instance, command)) {
    if ('whenAbsent' in command && command.whenAbsent === 'ignore') return { kind: 'absent' };
    return rejected(new InstanceNotFoundError(describeTarget(command.target)));
  }
  if (command.kind === 'replace') return decideReplace(current, command, moment);
  // Before If-Match: otherwise a caller would read the new version, try again, and only then get this error.
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
      // The last kind; a kind that is not handled above does not compile here.
      return decideClearOverride(current, command, moment);
  }
}

/** Whether a registration equals the stored spec: then it only renews the lease. */
export const isUnchanged = (stored: InstanceSpec, spec: InstanceSpec): boolean => sameJson(specOf(stored), spec);

function decideRegister(current: LeasedInstance | undefined, command: RegisterCommand, moment: Moment): Decision {
  const { identity } = command;
  if (current === undefined) {
    if (command.ifMatch !== undefined) return rejected(new InstanceNotFoundError(identityKey(identity)));
    return {
      kind: 'changed',
      action: 'instance.registered',
      before: undefined,
      after: newInstance(command, moment),
    };
  }
  const claim = claimOf(current.instance, command.incarnation);
  if (claim === 'ended') return rejected(incarnationEnded(current.instance, command));
  if (command.mustBeNew) {
    return rejected(new AlreadyRegisteredError(identityKey(identity), current.instance.version));
  }
  if (!isExpected(command.ifMatch, current)) return rejected(new VersionMismatchError(current.instance.version));
  return claim === 'next' ? beginNext(current, command, moment) : applySpec(current, command, moment);
}

function decideReplace(current: LeasedInstance, command: ReplaceCommand, moment: Moment): Decision {
  const claim = claimOf(current.instance, command.incarnation);
  if (claim === 'ended') return rejected(incarnationEnded(current.instance, command));
  if (!isExpected(command.ifMatch, current)) return rejected(new VersionMismatchError(current.instance.version));
  const errors = contradictions(current.instance, command.claimed);
  if (errors.length > 0) return rejected(new ValidationFailedError(errors));
  return claim === 'next' ? beginNext(current, command, moment) : applySpec(current, command, moment);
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
  if (isUnchanged(current.instance, spec)) return { kind: 'unchanged', current, lifeSign: 'none' };
  const refusals = complaints && resetsHealth(current.instance, spec) ? complaints(spec) : [];
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
  // It was registered again during the probe: the result is of another endpoint, or of another process.
  if (!isProbed(check) || isAnother(probed, current.instance)) return unchanged;
  const after = afterProbe(health, check, verdict, moment.clock);
  if (after === health) return unchanged;
  // A probe is no sign of life from the instance: it does not renew the lease.
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
  // An empty text is not a reason.
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
  const expiresAt = expiryDueAt(lease, instance.check, allowance);
  if (expiresAt === null || expiresAt > clock) return unchanged;
  const sign = `no sign of life since ${lease.renewedAt}`;
  if (!hasLapsed(instance.health)) {
    const reason = `the lease of ${instance.check.ttlSeconds} s ended: ${sign}`;
    const health = afterLapse(instance.health, moment.clock);
    return changed(current, 'instance.health_changed', { health }, lease, moment, reason);
  }
  const removedAt = deregisterDueAt(instance);
  if (removedAt === null) return unchanged;
  const { since } = instance.health;
  if (isAhead(since, moment.clock)) {
    // Otherwise the instance would be kept for as long as the clock was set back.
    const reason = `unhealthy since ${since} by a clock that was set back: its time begins again`;
    const health = afterLapse(instance.health, moment.clock);
    return changed(current, 'instance.health_changed', { health }, lease, moment, reason);
  }
  if (removedAt > clock) return unchanged;
  const reason = `unhealthy for ${instance.check.deregisterAfterSeconds} s after the lease ended: ${sign}`;
  return { kind: 'changed', action: 'instance.expired', before: current, after: undefined, reason };
}

/** Decides a registration or PUT of an existing instance: it always renews the lease, and is a change if the spec differs. */
function applySpec(
  current: LeasedInstance,
  { spec, initialState }: RegisterCommand | ReplaceCommand,
  moment: Moment,
): Decision {
  if (isUnchanged(current.instance, spec)) {
    // A caller that reports "starting" again does not become healthy by it.
    if (initialState === current.instance.health.state) return { kind: 'unchanged', current, lifeSign: 'renewal' };
    return decideHeartbeat(current, moment);
  }
  return updated(current, spec, initialState, { ...current.lease, renewedAt: moment.clock }, moment);
}

const isExpected = (expected: ExpectedVersion, { instance }: LeasedInstance): boolean =>
  expected === undefined || expected === '*' || expected.includes(instance.version);

const isStillChosen = (instance: InstanceRecord, command: Command): boolean =>
  !('onlyIf' in command) || command.onlyIf === undefined || command.onlyIf(instance);

const contradictions = (instance: InstanceIdentity, claimed: Partial<InstanceIdentity>) =>
  (['namespace', 'service', 'instanceId'] as const)
    .filter(field => claimed[field] !== undefined && asNamed(field, claimed[field]) !== instance[field])
    .map(field => ({ path: `/${field}`, message: `cannot be changed, it is ${instance[field]}` }));

/** Service names are lowered by the schemas; a patch arrives here as it was sent. */
const asNamed = (field: keyof InstanceIdentity, claimed: unknown): unknown =>
  field === 'service' && typeof claimed === 'string' ? claimed.toLowerCase() : claimed;

const INCARNATION_IN_PATCH = {
  path: '/incarnation',
  message: 'cannot be patched: a process names it when it registers; a call names its own in the query parameter',
};

/** A call that names no incarnation never gets this error. */
const incarnationEnded = (instance: InstanceRecord, { incarnation }: Pick<Command, 'incarnation'>) =>
  new IncarnationEndedError(identityKey(instance), incarnation!, instance);

const rejected = (error: DomainError): Decision => ({ kind: 'rejected', error });
