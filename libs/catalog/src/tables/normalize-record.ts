import { compileRecordForm } from '@coordination/database';
import { type Health, type InstanceRecord } from '../model/instance.js';
import { normalizeOverride, type StoredRecord } from '../model/instance-forms.js';
import { INSTANCES } from './instance-columns.js';

const normalizeHealth = ({ state, failures, output, decidedBy, since }: Health): Health => ({
  state,
  failures,
  output,
  decidedBy,
  since,
});

const inOrder = compileRecordForm<InstanceRecord>(INSTANCES.without('endedIncarnations'), {
  health: normalizeHealth,
  override: normalizeOverride,
});

/**
 * The same record with its keys in the order of the entity, whether it is new or comes from jsonb, which has an order of its
 * own. So one ETag means the same bytes on all nodes, and V8 keeps one hidden class for all records. A property that an older
 * node did not write gets the default of its column. Metadata is in its order since it was validated (see
 * {@link inStoredOrder}).
 */
export function normalizeRecord(record: StoredRecord): InstanceRecord {
  const normal = inOrder(record);
  const { endedIncarnations } = record;
  return endedIncarnations && endedIncarnations.length > 0 ? { ...normal, endedIncarnations } : normal;
}

/**
 * The record after an event of the log. An event without incarnations, of an instance that has some, was written by a node of
 * the previous version, which kept those in the table.
 */
export function afterEvent(after: StoredRecord, before: InstanceRecord | null): InstanceRecord {
  if (!before || after.incarnationNumber !== undefined) return normalizeRecord(after);
  const { incarnation, incarnationNumber, endedIncarnations } = before;
  return normalizeRecord({ ...after, incarnation, incarnationNumber, endedIncarnations });
}
