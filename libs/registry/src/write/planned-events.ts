import { canonicalRecord, type Lease, type ServiceTouch, type StoredRecord, toStored } from '@coordination/catalog';
import { type CallOrigin } from '@coordination/context';
import { type EventDraft, type LogEvent } from '@coordination/log';
import { type Decision, type LeaseEffect } from '../domain/decision.js';
import { type CommandResult } from '../requests/write-request.js';

/** The services of events, each with its last revision; some events have no service. */
export function touchesOf(events: readonly LogEvent[]): ServiceTouch[] {
  const last = new Map<string, ServiceTouch>();
  for (const { namespace, service, revision } of events) {
    if (namespace !== null && service !== null) last.set(`${namespace}/${service}`, { namespace, service, revision });
  }
  return [...last.values()];
}

/** The canonical JSON of an instance before or after its change. */
export const stateText = (state: StoredRecord | null): string => (state ? canonicalRecord(state) : 'null');

/** The part of an origin that the log keeps; keys are not logged. */
const loggedOf = ({ actor, clientAddress, requestId, source, reason }: CallOrigin) => ({
  actor,
  clientAddress,
  requestId,
  source,
  reason,
});

type InstanceDraft = EventDraft & { readonly [State in 'before' | 'after']: StoredRecord | null };

/** The event of a decision, before it has its position. */
export function draftOf(decision: Decision & { kind: 'changed' }, origin: CallOrigin): InstanceDraft {
  const { action, before, after, reason, statedReason } = decision;
  const subject = (after ?? before!).instance;
  return {
    action,
    namespace: subject.namespace,
    service: subject.service,
    instanceId: subject.instanceId,
    instanceUuid: subject.id,
    ...loggedOf(origin),
    reason: reason ?? origin.reason ?? statedReason ?? null,
    version: after?.instance.version ?? subject.version + 1,
    before: before ? toStored(before.instance) : null,
    after: after ? toStored(after.instance) : null,
  };
}

/** The result of the command that was decided. @param clock that of the database */
export function resultOf(decision: Exclude<Decision, { kind: 'rejected' }>, clock: string): CommandResult {
  if (decision.kind === 'absent' || decision.kind === 'ended') {
    return { outcome: decision.kind, leased: undefined, lifeSign: 'none' };
  }
  if (decision.kind === 'unchanged') {
    const { current, lifeSign } = decision;
    const leased = { instance: current.instance, lease: afterSign(current.lease, lifeSign, clock) };
    return { outcome: 'unchanged', leased, lifeSign };
  }
  const { before, after } = decision;
  if (!after) return { outcome: 'deregistered', leased: before, lifeSign: 'none' };
  return { outcome: before ? 'updated' : 'created', leased: after, lifeSign: 'none' };
}

/** The lease after a sign of life, which is recorded outside the log a moment later. */
function afterSign(lease: Lease, sign: LeaseEffect, clock: string): Lease {
  if (sign === 'none') return lease;
  return { renewedAt: clock, checkedAt: sign === 'report' ? clock : lease.checkedAt };
}
