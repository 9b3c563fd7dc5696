import { lowerBound } from '@coordination/kernel';
import { type InstanceRecord } from '@coordination/catalog';

/** What the instances with these names were before the first change after a revision; null: there was none. */
export type Earlier = ReadonlyMap<string, InstanceRecord | null>;

/**
 * The instances of a service as they were, made from those of a later revision and the earlier states of those that changed in
 * between. Instances that did not change remain the same objects.
 * @param later by instanceId, in the order of code units
 * @returns in the same order
 */
export function rolledBack(later: readonly InstanceRecord[], earlier: Earlier): readonly InstanceRecord[] {
  if (earlier.size === 0) return later;
  const parts: (readonly InstanceRecord[])[] = [];
  let from = 0;
  for (const [instanceId, record] of [...earlier].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const to = lowerBound(later, each => each.instanceId < instanceId, from);
    parts.push(later.slice(from, to));
    if (record) parts.push([record]);
    from = later[to]?.instanceId === instanceId ? to + 1 : to;
  }
  return [...parts, later.slice(from)].flat();
}
