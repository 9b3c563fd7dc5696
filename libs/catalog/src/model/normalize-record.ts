import {
  type InstanceRecord,
  type JsonObject,
  type JsonValue,
  type Override,
  type OverrideScope,
  scopeOf,
} from './instance.js';

/** An instance as the log and the table have it. They may have it from a node that knew nothing of incarnations. */
export type StoredRecord = Omit<InstanceRecord, 'incarnation' | 'incarnationNumber' | 'endedIncarnations'> & {
  readonly incarnation?: string | null;
  readonly incarnationNumber?: number;
  readonly endedIncarnations?: readonly string[] | null;
};

/**
 * The same record with its keys in one order, whether it was just made or comes from jsonb, which has an order of its
 * own: so all answers look alike, one ETag means the same bytes on all nodes, and the engine keeps one shape for all
 * records. Metadata has its order since it was checked (see {@link inStoredOrder}).
 */
export function normalizeRecord(record: StoredRecord): InstanceRecord {
  const { state, failures, output, decidedBy, since } = record.health;
  const { endedIncarnations } = record;
  const normal: InstanceRecord = {
    id: record.id,
    namespace: record.namespace,
    service: record.service,
    instanceId: record.instanceId,
    incarnation: record.incarnation ?? null,
    incarnationNumber: record.incarnationNumber ?? 1,
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
  return endedIncarnations && endedIncarnations.length > 0 ? { ...normal, endedIncarnations } : normal;
}

/**
 * The record after an event of the log. An event that says nothing of incarnations, of an instance that has some, was
 * written by a node of the version before, which left those of the table as they are.
 */
export function afterEvent(after: StoredRecord, before: InstanceRecord | null): InstanceRecord {
  if (!before || after.incarnationNumber !== undefined) return normalizeRecord(after);
  const { incarnation, incarnationNumber, endedIncarnations } = before;
  return normalizeRecord({ ...after, incarnation, incarnationNumber, endedIncarnations });
}

/** An instance as answers tell it. */
export type InstanceView = Omit<InstanceRecord, 'endedIncarnations' | 'override'> & {
  readonly endedIncarnations?: never;
  readonly override: OverrideView | null;
};

export type OverrideView = Override & { readonly scope: OverrideScope };

/**
 * The record as answers tell it: without what is remembered of incarnations that ended, and with the scope of an override
 * that was stored without one. Most records are told as they are.
 */
export function toInstanceView(record: InstanceRecord): InstanceView {
  if (isToldAsItIs(record)) return record;
  const { endedIncarnations: _, ...told } = record;
  return { ...told, override: toOverrideView(told.override) };
}

/** The override as answers tell it. */
export const toOverrideView = (override: Override | null): OverrideView | null =>
  override && (normalizeOverride({ ...override, scope: scopeOf(override) }) as OverrideView);

const isToldAsItIs = (record: InstanceRecord): record is InstanceRecord & InstanceView =>
  record.endedIncarnations === undefined && (record.override === null || record.override.scope !== undefined);

/**
 * The record as the log keeps it. Of an instance of which no second process is known, and no incarnation, nothing is said
 * of them: so its events are what they were before there were any, and patches between them apply to older versions.
 */
export function toStored(record: InstanceRecord): StoredRecord {
  const { incarnation, incarnationNumber, ...rest } = record;
  return incarnation === null && incarnationNumber === 1 ? rest : record;
}

const normalizeOverride = ({ status, scope, reason, until, setAt, setBy }: Override): Override => ({
  status,
  ...(scope !== undefined && { scope }),
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
