import { patchBetween, type PatchOperation, sameJson } from '@coordination/kernel';
import { type InstanceRecord, specOf } from '@coordination/catalog';
import { type FilterSubject } from '../../selection/evaluate.js';

/** The states of an identity at two revisions; null: it had no instance. */
export interface TwoStates {
  readonly before: InstanceRecord | null;
  readonly after: InstanceRecord | null;
}

/** An instance that differs between two revisions. */
export interface ChangedInstance {
  readonly before: InstanceRecord;
  readonly after: InstanceRecord;
  /** Turns `before` into `after`. */
  readonly patch: readonly PatchOperation[];
}

/** The difference of one identity. An instance that replaced another one is an addition and a removal. */
export interface Difference {
  readonly added: InstanceRecord | null;
  readonly removed: InstanceRecord | null;
  readonly changed: ChangedInstance | null;
}

/**
 * The difference between two states within a selection; undefined if there is none. An instance that enters the selection
 * is added, one that leaves it removed. An instance is changed when its spec, its incarnation, its override or its status
 * differs; its version and the details of its health do not count.
 */
export function differenceOf(
  { before, after }: TwoStates,
  matches: (record: FilterSubject) => boolean,
): Difference | undefined {
  const from = before && matches(before) ? before : null;
  const to = after && matches(after) ? after : null;
  if (from && to && from.id === to.id) {
    if (sameJson(comparedPart(from), comparedPart(to))) return undefined;
    return { added: null, removed: null, changed: { before: from, after: to, patch: patchBetween(from, to) } };
  }
  return from || to ? { added: to, removed: from, changed: null } : undefined;
}

/** The part of an instance that is compared. */
export const comparedPart = (record: InstanceRecord) => ({
  ...specOf(record),
  incarnation: record.incarnation,
  incarnationNumber: record.incarnationNumber,
  status: record.status,
  override: record.override,
});
