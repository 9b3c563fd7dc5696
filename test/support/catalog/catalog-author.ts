import {
  LOG_ENTITIES,
  CatalogHeadRepository,
  chainEvent,
  ServiceEventRepository,
  type AuditAction,
  type LogEvent,
} from '@coordination/log';
import { Databases } from '@coordination/database';
import { newId } from '@coordination/kernel';
import { REGISTRY_ENTITIES, ServiceInstanceRepository } from '@coordination/registry';
import { type InstanceRecord } from '@coordination/catalog';

const HOLD_LIMIT_MS = 5_000;

/** What becomes of an instance: its record (id, version, revision and times are filled in), or nothing. */
export interface Change {
  readonly before?: InstanceRecord;
  readonly after: InstanceRecord | null;
}

/**
 * Writes the catalog and its log as another node would, one transaction a call, without the queue and the rules of the
 * real writer: for tests of those who read.
 */
export class CatalogAuthor {
  private readonly heads = new CatalogHeadRepository();
  private readonly events = new ServiceEventRepository();
  private readonly instances = new ServiceInstanceRepository();

  private constructor(readonly databases: Databases) {}

  static async open(url: string): Promise<CatalogAuthor> {
    const entities = [...LOG_ENTITIES, ...REGISTRY_ENTITIES];
    return new CatalogAuthor(await Databases.open({ url, ssl: 'off', poolMax: 2, entities }));
  }

  /** Registers new instances. */
  async add(...records: readonly InstanceRecord[]): Promise<InstanceRecord[]> {
    const events = await this.write(records.map(after => ({ after })));
    return events.map(event => event.after as InstanceRecord);
  }

  async change(before: InstanceRecord, fields: Partial<InstanceRecord>): Promise<InstanceRecord> {
    const [event] = await this.write([{ before, after: { ...before, ...fields } }]);
    return event?.after as InstanceRecord;
  }

  async remove(...records: readonly InstanceRecord[]): Promise<void> {
    await this.write(records.map(before => ({ before, after: null })));
  }

  /** All changes in one transaction, in this order. */
  async write(changes: readonly Change[]): Promise<LogEvent[]> {
    return await this.databases.em('writer').transactional(async em => {
      const head = await this.heads.lock(em, HOLD_LIMIT_MS);
      const batchId = newId();
      const events: LogEvent[] = [];
      const saved = changes.map(({ before, after: wanted }) => {
        const revision = head.revision + events.length + 1;
        const after = wanted && { ...wanted, version: (before?.version ?? 0) + 1, revision, updatedAt: head.now };
        if (after && !before) Object.assign(after, { registeredAt: head.now });
        const { namespace, service, instanceId, id } = (after ?? before)!;
        const draft = {
          action: actionOf(before, after),
          namespace,
          service,
          instanceId,
          instanceUuid: id,
          actor: 'somebody',
          clientAddress: null,
          requestId: null,
          source: 'api' as const,
          reason: null,
          version: (before?.version ?? 0) + 1,
          before: before ?? null,
          after,
        };
        const previousHash = events.at(-1)?.hash ?? head.hash;
        const link = { revision, at: head.now, batchId, previousHash };
        events.push(chainEvent(draft, link));
        const lease = { renewedAt: head.now, checkedAt: null };
        return {
          before: before && { instance: before, lease },
          after: after ? { instance: after, lease } : undefined,
        };
      });
      const touches = events.map(({ namespace, service, revision }) => ({
        namespace: namespace!,
        service: service!,
        revision,
      }));
      await this.instances.save(em, saved, [...new Map(touches.map(t => [`${t.namespace}/${t.service}`, t])).values()]);
      await this.events.append(em, head, events);
      return events;
    });
  }

  async close(): Promise<void> {
    await this.databases.close();
  }
}

function actionOf(before: InstanceRecord | undefined, after: InstanceRecord | null): AuditAction {
  if (!after) return 'instance.deregistered';
  return before ? 'instance.updated' : 'instance.registered';
}
