import { type InstanceRecord, type JsonObject, type JsonValue, type Override } from './instance.js';

/**
 * The same record with its keys in one order, whether it was just made or comes from jsonb, which has an order of its
 * own: so all answers look alike, one ETag means the same bytes on all nodes, and the engine keeps one shape for all
 * records. Metadata has its order since it was checked (see {@link inStoredOrder}).
 */
export function normalizeRecord(record: InstanceRecord): InstanceRecord {
  const { state, failures, output, decidedBy, since } = record.health;
  return {
    id: record.id,
    namespace: record.namespace,
    service: record.service,
    instanceId: record.instanceId,
    type: record.type,
    scheme: record.scheme,
    host: record.host,
    port: record.port,
    zone: record.zone,
    weight: record.weight,
    status: record.status,
    health: { state, failures, output, decidedBy, since },
    override: record.override && normalizeOverride(record.override),
    metadata: record.metadata,
    check: record.check,
    registeredAt: record.registeredAt,
    updatedAt: record.updatedAt,
    version: record.version,
    revision: record.revision,
  };
}

const normalizeOverride = ({ status, reason, until, setAt, setBy }: Override): Override => ({
  status,
  reason,
  until,
  setAt,
  setBy,
});

/** The same JSON with all keys in the order in which jsonb keeps them: the shorter (in bytes of UTF-8) first, then by bytes. */
export function inStoredOrder<T extends JsonValue>(value: T): T;
export function inStoredOrder(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(item => inStoredOrder<JsonValue>(item));
  if (typeof value !== 'object' || value === null) return value;
  const keyed = Object.entries(value as JsonObject).map(([key, member]) => ({ key, bytes: Buffer.from(key), member }));
  keyed.sort((a, b) => a.bytes.length - b.bytes.length || a.bytes.compare(b.bytes));
  return Object.fromEntries(keyed.map(({ key, member }) => [key, inStoredOrder(member)]));
}
