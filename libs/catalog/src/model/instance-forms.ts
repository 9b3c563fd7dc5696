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

/** The same override with its keys in one order. */
export const normalizeOverride = ({ status, scope, reason, until, setAt, setBy }: Override): Override => ({
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
