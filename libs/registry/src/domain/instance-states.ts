import { type AuditAction } from '@coordination/log';
import {
  endsWithIncarnation,
  type Health,
  type Incarnations,
  type InitialState,
  type InstanceRecord,
  type InstanceSpec,
  type Lease,
  type LeasedInstance,
  nextIncarnation,
  type Override,
} from '@coordination/catalog';
import { type RegisterCommand, type ReplaceCommand } from './commands.js';
import { type Decision, type Moment } from './decision.js';
import { resetsHealth } from './endpoint-changes.js';
import { initialHealth, isProbed, statusOf } from './health-rules.js';

/** A new instance, from its registration. */
export function newInstance(
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

/**
 * The decision to change some fields of an instance; its status is derived from them.
 * @param reason the reason, where the decision itself has one
 */
export function changed(
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

/**
 * The decision to begin the next incarnation: another process has started under the name. The health of the previous one does
 * not apply to it, nor does an override that was set for that process.
 */
export function beginNext(
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

/** The decision to change the spec. A changed endpoint or check resets the health, which no longer applies. */
export function updated(
  current: LeasedInstance,
  spec: InstanceSpec,
  initialState: InitialState | undefined,
  lease: Lease,
  moment: Moment,
): Decision {
  if (!resetsHealth(current.instance, spec)) return changed(current, 'instance.updated', { ...spec }, lease, moment);
  const health = initialHealth(initialStateOf(spec, initialState), moment.clock);
  return changed(
    current,
    'instance.updated',
    { ...spec, health },
    { renewedAt: moment.clock, checkedAt: null },
    moment,
  );
}

const initialStateOf = ({ check }: InstanceSpec, asked: InitialState | undefined): InitialState =>
  isProbed(check) ? 'unknown' : (asked ?? 'healthy');
