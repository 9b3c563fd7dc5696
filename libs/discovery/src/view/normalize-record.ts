import { type InstanceRecord } from '@coordination/registry';

/**
 * The same record with its keys in one order, whatever order jsonb gave them: so all answers look alike, and the engine
 * keeps one shape for all records.
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
    override: record.override,
    metadata: record.metadata,
    check: record.check,
    registeredAt: record.registeredAt,
    updatedAt: record.updatedAt,
    version: record.version,
    revision: record.revision,
  };
}
