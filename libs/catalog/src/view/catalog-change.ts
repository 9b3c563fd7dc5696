import { type AuditAction, type LogEvent } from '@coordination/log';
import { type InstanceRecord } from '../model/instance.js';
import { normalizeRecord } from '../tables/normalize-record.js';

/** One change of one instance, as watchers of the catalog need it. */
export interface CatalogChange {
  readonly revision: number;
  readonly action: AuditAction;
  readonly namespace: string;
  readonly service: string;
  /** The instance before; null: it was new. */
  readonly before: InstanceRecord | null;
  /** The instance after; null: it was removed. */
  readonly after: InstanceRecord | null;
}

/** Whether an instance is selected. */
export type Matches = (record: InstanceRecord) => boolean;

/**
 * How a change concerns a selection: `present` (the instance is selected afterwards), `left` (it was selected before only),
 * `none` (it was selected neither before nor after).
 */
export type Concern = 'present' | 'left' | 'none';

export function concernOf({ before, after }: Pick<CatalogChange, 'before' | 'after'>, matches: Matches): Concern {
  if (after && matches(after)) return 'present';
  return before && matches(before) ? 'left' : 'none';
}

/** The change that an event of the log describes; undefined for events that are not about an instance. */
export function toChange(event: LogEvent): CatalogChange | undefined {
  const { revision, action, namespace, service } = event;
  if (namespace === null || service === null || event.instanceUuid === null) return undefined;
  return { revision, action, namespace, service, before: recordOf(event.before), after: recordOf(event.after) };
}

const recordOf = (state: unknown): InstanceRecord | null =>
  state === null || state === undefined ? null : normalizeRecord(state as InstanceRecord);
