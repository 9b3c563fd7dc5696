import { defineEntity, p } from '@mikro-orm/core';

/**
 * What all records have in common that change rarely and are changed one by one, such as access tokens or saved queries.
 * MikroORM's unit of work writes them: it raises the version with each change, and writes nothing over another version than
 * the one it has read. Instances, leases and events are not records: they are written in sets (see docs/adr/0005).
 *
 * An entity of this kind is `class Token extends defineEntity({ name: 'Token', extends: VersionedRecord, … }).class`.
 */
export const VersionedRecordSchema = defineEntity({
  name: 'VersionedRecord',
  abstract: true,
  properties: {
    id: p.uuid().primary(),
    /** 1 when created, +1 with each change. */
    version: p.integer().version().default(1),
  },
});

export abstract class VersionedRecord extends VersionedRecordSchema.class {}
VersionedRecordSchema.setClass(VersionedRecord);
