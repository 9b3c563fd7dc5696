import { type CatalogView, type InstanceRecord, type Status } from '@coordination/catalog';
import { NODE_NAMESPACE, NODE_SERVICE } from './node-service.js';

/** States in which a node takes part. An operator's override takes it out as it does any other instance. */
const LIVING: ReadonlySet<Status> = new Set(['healthy', 'degraded']);

/**
 * The nodes that this node's view knows to live, by name. That one has died is known when its lease has been ended, a
 * little later than its time to live; all nodes that have the same revision know the same nodes.
 */
export function liveNodes(view: Pick<CatalogView, 'instancesOf'>): InstanceRecord[] {
  return [...view.instancesOf(NODE_NAMESPACE, NODE_SERVICE).values()]
    .filter(({ status }) => LIVING.has(status))
    .toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
}
