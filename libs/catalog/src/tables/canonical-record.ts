import { canonicalJson, canonicalTextOf, inCanonicalOrder } from '@coordination/kernel';
import { type StoredRecord } from '../model/instance-forms.js';

/** The properties in canonical order: a literal of one shape, which costs much less than sorting the keys of each record. */
const ordered = (record: StoredRecord) =>
  ({
    check: inCanonicalOrder(record.check),
    endedIncarnations: record.endedIncarnations,
    health: inCanonicalOrder(record.health),
    host: record.host,
    id: record.id,
    incarnation: record.incarnation,
    incarnationNumber: record.incarnationNumber,
    instanceId: record.instanceId,
    metadata: inCanonicalOrder(record.metadata),
    namespace: record.namespace,
    override: inCanonicalOrder(record.override),
    port: record.port,
    registeredAt: record.registeredAt,
    revision: record.revision,
    scheme: record.scheme,
    service: record.service,
    status: record.status,
    type: record.type,
    updatedAt: record.updatedAt,
    version: record.version,
    weight: record.weight,
    zone: record.zone,
  }) satisfies Record<keyof StoredRecord, unknown>;

/** The canonical JSON text (RFC 8785) of a record, as {@link canonicalJson} makes it, in a third of the time. */
export function canonicalRecord(record: StoredRecord): string {
  const inOrder = ordered(record);
  return (isWhole(inOrder, record) ? canonicalTextOf(inOrder) : undefined) ?? canonicalJson(record);
}

/** Whether nothing of a record is missing: values that cannot be ordered, and properties that are not known here. */
function isWhole(inOrder: ReturnType<typeof ordered>, record: StoredRecord): boolean {
  const { check, health, metadata, override } = inOrder;
  if (check === undefined || health === undefined || metadata === undefined || override === undefined) return false;
  for (const property in record) if (!(property in inOrder)) return false;
  return true;
}
