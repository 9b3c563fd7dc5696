import { type JsonObject, type JsonValue } from '@coordination/kernel';
import { type InstanceRecord, type Override, type OverrideScope, scopeOf } from './instance.js';

/** An instance as the log and the table store it, perhaps written by a node of a version without incarnations. */
export type StoredRecord = Omit<InstanceRecord, 'incarnation' | 'incarnationNumber' | 'endedIncarnations'> & {
  readonly incarnation?: string | null;
  readonly incarnationNumber?: number;
  readonly endedIncarnations?: readonly string[] | null;
};

/** An instance in responses. */
export type InstanceView = Omit<InstanceRecord, 'endedIncarnations' | 'override'> & {
  readonly endedIncarnations?: never;
  readonly override: OverrideView | null;
};

export type OverrideView = Override & { readonly scope: OverrideScope };

/**
 * The record in responses: without its ended incarnations, and with the scope of an override that was stored without one.
 * Most records need no change.
 */
export function toInstanceView(record: InstanceRecord): InstanceView {
  if (isInstanceView(record)) return record;
  const { endedIncarnations: _, ...view } = record;
  return { ...view, override: toOverrideView(view.override) };
}

/** The override in responses. */
export const toOverrideView = (override: Override | null): OverrideView | null =>
  override && (normalizeOverride({ ...override, scope: scopeOf(override) }) as OverrideView);

const isInstanceView = (record: InstanceRecord): record is InstanceRecord & InstanceView =>
  record.endedIncarnations === undefined && (record.override === null || record.override.scope !== undefined);

/**
 * The record as the log stores it: without the incarnation of an instance that has named none and has had one process only.
 * Events of such an instance look as they did before incarnations existed, so that patches between them apply to older ones.
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
