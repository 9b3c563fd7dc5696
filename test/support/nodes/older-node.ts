import {
  LOG_ENTITIES,
  type AuditAction,
  CATALOG_CHANNEL,
  CatalogHeadRepository,
  chainEvent,
  ServiceEventRepository,
} from '@coordination/log';
import { Databases, isoTime, query } from '@coordination/database';
import { newId } from '@coordination/kernel';
import { type InstanceIdentity, type Override, type StoredRecord } from '@coordination/catalog';
import { REGISTRY_ENTITIES } from '@coordination/registry';

const HOLD_LIMIT_MS = 5_000;

/** The columns that there were, as the version before incarnations read them. */
const OLD_COLUMNS = `
  i.id, i.namespace, i.service, i.instance_id as "instanceId", i.type, i.scheme, i.host, i.port, i.zone, i.weight,
  i.metadata, i.check_terms as "check", i.status, i.health, i.override, ${isoTime('i.registered_at')} as "registeredAt",
  ${isoTime('i.updated_at')} as "updatedAt", i.version, i.revision::float8 as revision`;

/** The columns that it wrote when it registered an instance, and those that it left alone when it changed one. */
const INSERT = `
  insert into service_instance (
    id, namespace, service, instance_id, type, scheme, host, port, zone, weight, metadata, check_terms, health,
    override, registered_at, updated_at, version, revision)
  select id, namespace, service, "instanceId", type, scheme, host, port, zone, weight, metadata, "check", health,
    override, "registeredAt", "updatedAt", version, revision
  from jsonb_to_record($1) as c (
    id uuid, namespace text, service text, "instanceId" text, type text, scheme text, host text, port int, zone text,
    weight int, metadata jsonb, "check" jsonb, health jsonb, override jsonb, "registeredAt" timestamptz,
    "updatedAt" timestamptz, version int, revision bigint)`;
const INSERT_LEASE = 'insert into instance_lease (instance_id, renewed_at, ttl_seconds) values ($1, $2, $3)';
const UPDATE = `
  update service_instance set health = $2, override = $3, weight = $4, updated_at = $5, version = $6, revision = $7
  where id = $1`;
const TOUCH = `
  insert into service_revision as s (namespace, service, revision) values ($1, $2, $3)
  on conflict (namespace, service) do update set revision = excluded.revision`;

/** What the version before could change of an instance, as far as tests need it. */
export type OldChange = Partial<Pick<StoredRecord, 'health' | 'override' | 'weight'>>;

/** An override as it was before overrides had a scope. */
export const anOldOverride = (status: Override['status']): Override => ({
  status,
  reason: null,
  until: null,
  setAt: '2026-11-23T08:15:30.123Z',
  setBy: 'anonymous',
});

/** A node of the version before incarnations: it knows neither their columns nor what events say of them. */
export class OlderNode {
  private readonly heads = new CatalogHeadRepository();
  private readonly events = new ServiceEventRepository();

  private constructor(private readonly databases: Databases) {}

  static async open(url: string): Promise<OlderNode> {
    const entities = [...LOG_ENTITIES, ...REGISTRY_ENTITIES];
    return new OlderNode(await Databases.open({ url, ssl: 'off', poolMax: 2, entities }));
  }

  async close(): Promise<void> {
    await this.databases.close();
  }

  async register(identity: InstanceIdentity, ttlSeconds = 3_600): Promise<StoredRecord> {
    return await this.write('instance.registered', undefined, (revision, now) => ({
      id: newId(),
      ...identity,
      type: 'api',
      scheme: 'http',
      host: '10.0.0.1',
      port: 8080,
      zone: null,
      weight: 100,
      metadata: {},
      check: { kind: 'heartbeat', ttlSeconds, deregisterAfterSeconds: 900 },
      status: 'healthy',
      health: { state: 'healthy', failures: 0, output: '', decidedBy: 'registration', since: now },
      override: null,
      registeredAt: now,
      updatedAt: now,
      version: 1,
      revision,
    }));
  }

  async change(id: string, action: AuditAction, change: OldChange): Promise<StoredRecord> {
    return await this.write(action, id, (revision, now, before) => {
      const merged = { ...before!, ...change, updatedAt: now, version: before!.version + 1, revision };
      return { ...merged, status: merged.override?.status ?? merged.health.state };
    });
  }

  private async write(
    action: AuditAction,
    id: string | undefined,
    make: (revision: number, now: string, before: StoredRecord | undefined) => StoredRecord,
  ): Promise<StoredRecord> {
    return await this.databases.em('writer').transactional(async em => {
      const head = await this.heads.lock(em, HOLD_LIMIT_MS);
      const [before] = id
        ? await query<StoredRecord>(em, `select ${OLD_COLUMNS} from service_instance i where id = $1`, [id])
        : [];
      const after = make(head.revision + 1, head.now, before);
      const { namespace, service, instanceId, version } = after;
      const event = chainEvent(
        {
          action,
          namespace,
          service,
          instanceId,
          instanceUuid: after.id,
          actor: 'anonymous',
          clientAddress: null,
          requestId: null,
          source: 'api',
          reason: null,
          version,
          before: before ?? null,
          after,
        },
        { revision: after.revision, at: head.now, batchId: newId(), previousHash: head.hash },
      );
      if (before) {
        const { health, override, weight, updatedAt, revision } = after;
        const [h, o] = [JSON.stringify(health), override && JSON.stringify(override)];
        await query(em, UPDATE, [after.id, h, o, weight, updatedAt, version, revision]);
      } else {
        await query(em, INSERT, [JSON.stringify(after)]);
        await query(em, INSERT_LEASE, [after.id, head.now, after.check.ttlSeconds]);
      }
      await query(em, TOUCH, [namespace, service, after.revision]);
      await this.events.append(em, head, [event]);
      await query(em, `select pg_notify('${CATALOG_CHANNEL}', $1)`, [String(after.revision)]);
      return after;
    });
  }
}
