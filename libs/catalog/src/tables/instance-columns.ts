import { isoTime } from '@coordination/database';

/** The columns of an instance `i` as the properties of a {@link StoredRecord}. */
export const INSTANCE_COLUMNS = `
  i.id, i.namespace, i.service, i.instance_id as "instanceId", i.incarnation,
  i.incarnation_number as "incarnationNumber", i.ended_incarnations as "endedIncarnations", i.type, i.scheme, i.host, i.port, i.zone, i.weight,
  i.metadata, i.check_terms as "check", i.status, i.health, i.override, ${isoTime('i.registered_at')} as "registeredAt",
  ${isoTime('i.updated_at')} as "updatedAt", i.version, i.revision::float8 as revision`;
