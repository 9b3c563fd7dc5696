import { chainEvent, epochEvent, type AuditAction, type LogEvent } from '@coordination/log';
import { FIRST_PREVIOUS_HASH } from '@coordination/log/testing';
import { newId } from '@coordination/kernel';
import { type InstanceRecord, type ServiceTouch, toEmptyServicesDropped } from '@coordination/catalog';
import { type EmptyServicesDropped } from '@coordination/catalog/testing';
import { NOW } from '../catalog/factories.js';

/** A log in memory, for tests without a database: each change becomes the next event of one history. */
export class LogInMemory {
  readonly events: LogEvent[] = [];
  readonly instances = new Map<string, InstanceRecord>();

  constructor(private name = newId()) {}

  get epoch(): string {
    return this.name;
  }

  get head() {
    const last = this.events.at(-1);
    return { revision: last?.revision ?? 0, hash: last?.hash ?? FIRST_PREVIOUS_HASH, epoch: this.epoch };
  }

  /** Registers an instance, or puts it in the place of the one with its id. */
  put(record: InstanceRecord): LogEvent {
    const before = this.instances.get(record.id) ?? null;
    const version = (before?.version ?? 0) + 1;
    const after = { ...record, version, revision: this.head.revision + 1 };
    this.instances.set(record.id, after);
    return this.append(before ? 'instance.updated' : 'instance.registered', before, after);
  }

  remove(id: string): LogEvent {
    const before = this.instances.get(id)!;
    this.instances.delete(id);
    return this.append('instance.deregistered', before, null);
  }

  /** Ends the epoch, as if later commits had been lost. */
  beginEpoch(): LogEvent {
    const begun = { epoch: newId(), batchId: newId(), reason: 'log-shorter', known: undefined } as const;
    const event = epochEvent({ ...this.head, at: NOW, now: NOW }, begun);
    this.events.push(event);
    this.name = begun.epoch;
    return event;
  }

  /** Drops the services without instances that come no later than a place in their order. */
  dropEmptyServices(upTo: ServiceTouch): LogEvent {
    const { action, before, after } = toEmptyServicesDropped(upTo);
    return this.append(action, before, after);
  }

  /** Something that is not about an instance. */
  appendOther(action: AuditAction = 'token.created', revision?: number): LogEvent {
    return this.append(action, null, null, revision);
  }

  private append(
    action: AuditAction,
    before: InstanceRecord | null,
    after: InstanceRecord | EmptyServicesDropped | null,
    revision = this.head.revision + 1,
  ): LogEvent {
    const record = after && 'upTo' in after ? null : (after ?? before);
    const draft = {
      action,
      namespace: record?.namespace ?? null,
      service: record?.service ?? null,
      instanceId: record?.instanceId ?? null,
      instanceUuid: record?.id ?? null,
      actor: 'somebody',
      clientAddress: null,
      requestId: null,
      source: 'api' as const,
      reason: null,
      version: after && record ? record.version : null,
      before,
      after,
    };
    const event = chainEvent(draft, { revision, at: NOW, batchId: newId(), previousHash: this.head.hash });
    this.events.push(event);
    return event;
  }
}
