import { patchBetween, type PatchOperation, sameJson } from '@coordination/kernel';
import { type InstanceRecord, specOf } from '@coordination/catalog';
import { type FilterSubject } from '../../selection/evaluate.js';

/** One place in the catalog at two moments; null: nobody was there. */
export interface TwoStates {
  readonly before: InstanceRecord | null;
  readonly after: InstanceRecord | null;
}

/** An instance that is another one than it was. */
export interface ChangedInstance {
  readonly before: InstanceRecord;
  readonly after: InstanceRecord;
  /** Makes `after` of `before`. */
  readonly patch: readonly PatchOperation[];
}

/** What became of one place in the catalog. Who took the place of another is an addition beside a removal. */
export interface Difference {
  readonly added: InstanceRecord | null;
  readonly removed: InstanceRecord | null;
  readonly changed: ChangedInstance | null;
}

/**
 * What a selection sees of a change from one state to another; undefined if nothing. An instance that enters the selection
 * is added, one that leaves it removed. Between two states of one instance only what callers set counts (its spec, its
 * incarnation and its override) and its status: not how often it changed, nor what its health went through meanwhile.
 */
export function differenceOf(
  { before, after }: TwoStates,
  matches: (record: FilterSubject) => boolean,
): Difference | undefined {
  const from = before && matches(before) ? before : null;
  const to = after && matches(after) ? after : null;
  if (from && to && from.id === to.id) {
    if (sameJson(toldOf(from), toldOf(to))) return undefined;
    return { added: null, removed: null, changed: { before: from, after: to, patch: patchBetween(from, to) } };
  }
  return from || to ? { added: to, removed: from, changed: null } : undefined;
}

/** What counts as a change. */
export const toldOf = (record: InstanceRecord) => ({
  ...specOf(record),
  incarnation: record.incarnation,
  incarnationNumber: record.incarnationNumber,
  status: record.status,
  override: record.override,
});
