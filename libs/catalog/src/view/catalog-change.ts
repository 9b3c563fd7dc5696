import { type AuditAction, type LogEvent } from '@coordination/log';
import { type InstanceRecord } from '../model/instance.js';
import { normalizeRecord } from '../tables/normalize-record.js';

/** One change of one instance, as those who watch the catalog need it. */
export interface CatalogChange {
  readonly revision: number;
  readonly action: AuditAction;
  readonly namespace: string;
  readonly service: string;
  /** The instance before; null: it was new. */
  readonly before: InstanceRecord | null;
  /** The instance after; null: it is gone. */
  readonly after: InstanceRecord | null;
}

/** Says of instances whether they are selected. */
export type Matches = (record: InstanceRecord) => boolean;

/**
 * What a change is to a selection: `present` (selected afterwards), `left` (selected before and not afterwards), `none`
 * (it was not selected and is not).
 */
export type Concern = 'present' | 'left' | 'none';

export function concernOf({ before, after }: Pick<CatalogChange, 'before' | 'after'>, matches: Matches): Concern {
  if (after && matches(after)) return 'present';
  return before && matches(before) ? 'left' : 'none';
}

/** What an event of the log changed; undefined for events that are not about an instance. */
export function toChange(event: LogEvent): CatalogChange | undefined {
  const { revision, action, namespace, service } = event;
  if (namespace === null || service === null || event.instanceUuid === null) return undefined;
  return { revision, action, namespace, service, before: recordOf(event.before), after: recordOf(event.after) };
}

const recordOf = (state: unknown): InstanceRecord | null =>
  state === null || state === undefined ? null : normalizeRecord(state as InstanceRecord);
